output "bucket" {
  description = "Its name, where the program lies in it, and where profiles and logs will."
  value = {
    name    = aws_s3_bucket.results.id
    region  = data.aws_region.current.id
    program = "s3://${aws_s3_bucket.results.id}/${aws_s3_object.program.key}"
    results = "s3://${aws_s3_bucket.results.id}/profiles"
  }

  depends_on = [aws_s3_bucket_public_access_block.results]
}
