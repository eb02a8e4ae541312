# The bucket that profiles are stored in, and the program that makes them.

data "aws_region" "current" {}

resource "aws_s3_bucket" "results" {
  # checkov:skip=CKV_AWS_18: no access log: the results are throughputs, and are fetched within days
  # checkov:skip=CKV_AWS_21: no versions: a profile is only ever added to, and is fetched within days
  # checkov:skip=CKV_AWS_144: no copy in another region: a lost profile can be measured again
  # checkov:skip=CKV_AWS_145: the encryption that S3 does by itself suffices for throughputs
  # checkov:skip=CKV2_AWS_61: nothing expires: results that nobody has fetched must not be lost
  # checkov:skip=CKV2_AWS_62: nobody listens for events
  bucket_prefix = "${var.name}-"
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_object" "program" {
  # checkov:skip=CKV_AWS_186: the encryption that S3 does by itself suffices for a program that anybody may read
  bucket      = aws_s3_bucket.results.id
  key         = "program/${basename(var.program)}"
  source      = var.program
  source_hash = filesha256(var.program) # no tags: an object has ten at most
}
