# The rendered provider block, pointed at a local server.
provider "aws" {
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true

  endpoints {
    autoscaling    = "ENDPOINT"
    cloudwatch     = "ENDPOINT"
    ec2            = "ENDPOINT"
    elb            = "ENDPOINT"
    iam            = "ENDPOINT"
    s3             = "ENDPOINT"
    secretsmanager = "ENDPOINT"
    ssm            = "ENDPOINT"
    sts            = "ENDPOINT"
  }
}
