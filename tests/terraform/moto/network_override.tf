# Provider 3.39 takes an address for EC2-Classic unless told; newer ones, and AWS itself, do not.
resource "aws_eip" "nat" {
  vpc = true
}
