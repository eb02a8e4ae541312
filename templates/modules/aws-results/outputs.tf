output "bucket" {
  description = "Name of the bucket, the address of the program in it, and the address under which profiles and logs are stored."
  value = {
    name    = aws_s3_bucket.results.id
    region  = data.aws_region.current.id
    program = "s3://${aws_s3_bucket.results.id}/${aws_s3_object.program.key}"
    results = "s3://${aws_s3_bucket.results.id}/profiles"
  }

  depends_on = [aws_s3_bucket_public_access_block.results]
}
