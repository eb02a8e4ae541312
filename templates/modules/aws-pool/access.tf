# Who may reach the machines, and what the machines may do.

resource "aws_security_group" "machine" {
  name        = "${var.name}-machine"
  description = "Machines of the pool ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name}-machine" })
}

resource "aws_security_group_rule" "from_balancer" {
  description              = "Requests and health checks from the load balancer"
  type                     = "ingress"
  security_group_id        = aws_security_group.machine.id
  source_security_group_id = var.load_balancer.security_group_id
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
}

resource "aws_security_group_rule" "balancer_to_machine" {
  description              = "Requests and health checks to ${var.name}"
  type                     = "egress"
  security_group_id        = var.load_balancer.security_group_id
  source_security_group_id = aws_security_group.machine.id
  protocol                 = "tcp"
  from_port                = var.port
  to_port                  = var.port
}

resource "aws_security_group_rule" "downloads" {
  description       = "Container image, model and APIs of AWS, all over HTTPS"
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
  tags               = local.tags
}

resource "aws_iam_instance_profile" "machine" {
  name = "${var.name}-${local.region}"
  role = aws_iam_role.machine.name
  tags = local.tags
}

locals {
  secrets = [for secret in [var.hf_token_secret, var.api_key_secret] : secret if secret != ""]

  # Secrets Manager ends an ARN with six random characters that a name does not have
  secret_arns = [
    for secret in local.secrets : startswith(secret, "arn:") ? secret : join(":", [
      "arn", data.aws_partition.current.partition, "secretsmanager", local.region,
      data.aws_caller_identity.current.account_id, "secret", "${secret}-??????",
    ])
  ]
}

data "aws_iam_policy_document" "secrets" {
  count = length(local.secrets) > 0 ? 1 : 0

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.secret_arns
  }

  dynamic "statement" {
    for_each = var.secrets_kms_key_arn == "" ? [] : [var.secrets_kms_key_arn]

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "secrets" {
  count = length(local.secrets) > 0 ? 1 : 0

  name   = "read-secrets"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.secrets[0].json
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  count = var.session_manager ? 1 : 0

  role       = aws_iam_role.machine.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}
