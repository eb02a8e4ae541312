# Who may reach the machine (nobody), and what the machine may do.

resource "aws_security_group" "machine" {
  name        = "${var.name}-machine"
  description = "Profiling machine ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(var.tags, { Name = "${var.name}-machine" })
}

resource "aws_security_group_rule" "downloads" {
  description       = "Container image, model, packages and APIs of AWS, all over HTTPS"
  type              = "egress"
  security_group_id = aws_security_group.machine.id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.${data.aws_partition.current.dns_suffix}"]
    }
  }
}

resource "aws_iam_role" "machine" {
  name               = "${var.name}-${local.region}"
  assume_role_policy = data.aws_iam_policy_document.assume.json
  tags               = var.tags
}

resource "aws_iam_instance_profile" "machine" {
  name = "${var.name}-${local.region}"
  role = aws_iam_role.machine.name
  tags = var.tags
}

locals {
  # Secrets Manager ends an ARN with six random characters that a name does not have
  secret_arn = startswith(var.hf_token_secret, "arn:") ? var.hf_token_secret : join(":", [
    "arn", data.aws_partition.current.partition, "secretsmanager", local.region,
    data.aws_caller_identity.current.account_id, "secret", "${var.hf_token_secret}-??????",
  ])
}

data "aws_iam_policy_document" "machine" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.bucket.name}/*"]
  }

  # It may not write the program, which other machines run.
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${var.bucket.name}/profiles/*"]
  }

  dynamic "statement" {
    for_each = var.hf_token_secret == "" ? [] : [local.secret_arn]

    content {
      actions   = ["secretsmanager:GetSecretValue"]
      resources = [statement.value]
    }
  }

  dynamic "statement" {
    for_each = var.secrets_kms_key_arn == "" ? [] : [var.secrets_kms_key_arn]

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "machine" {
  name   = "bucket-and-token"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.machine.json
}
