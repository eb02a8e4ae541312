# Who may reach the machines, and what the machines may do.

data "aws_vpc" "main" {
  id = var.vpc_id
}

resource "aws_security_group" "machine" {
  name        = "${var.name}-machine"
  description = "Machines of the gateway ${var.name}"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name}-machine" })
}

resource "aws_security_group_rule" "clients" {
  description       = "Requests, and health checks from the addresses of the load balancer"
  type              = "ingress"
  security_group_id = aws_security_group.machine.id
  cidr_blocks       = distinct(concat([data.aws_vpc.main.cidr_block], var.allowed_cidrs))
  protocol          = "tcp"
  from_port         = local.port
  to_port           = local.port
}

resource "aws_security_group_rule" "metrics" {
  count = length(var.metrics_cidrs) > 0 ? 1 : 0

  description       = "Prometheus"
  type              = "ingress"
  security_group_id = aws_security_group.machine.id
  cidr_blocks       = var.metrics_cidrs
  protocol          = "tcp"
  from_port         = var.metrics_port
  to_port           = var.metrics_port
}

# To load balancers whose addresses change, to AWS's APIs (443) and to Debian's packages (80).
resource "aws_security_group_rule" "out" {
  for_each = toset([for port in concat([80, 443], values(var.backends)[*].port) : tostring(port)])

  description       = "Pools, AWS APIs and Debian packages, port ${each.value}"
  type              = "egress"
  security_group_id = aws_security_group.machine.id
  cidr_blocks       = ["0.0.0.0/0"]
  protocol          = "tcp"
  from_port         = tonumber(each.value)
  to_port           = tonumber(each.value)
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
  here = "${local.region}:${data.aws_caller_identity.current.account_id}"

  # Secrets Manager ends an ARN with six random characters that a name does not have
  secret_arns = [
    for secret in compact([var.api_key_secret, var.tls_secret]) : startswith(secret, "arn:") ? secret :
    "arn:${data.aws_partition.current.partition}:secretsmanager:${local.here}:secret:${secret}-??????"
  ]
}

data "aws_iam_policy_document" "machine" {
  statement {
    actions   = ["ssm:GetParametersByPath"]
    resources = ["arn:${data.aws_partition.current.partition}:ssm:${local.here}:parameter${local.path}"]
  }

  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = local.secret_arns
  }

  dynamic "statement" {
    for_each = compact([var.secrets_kms_key_arn])

    content {
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "machine" {
  name   = "configuration-and-secrets"
  role   = aws_iam_role.machine.id
  policy = data.aws_iam_policy_document.machine.json
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  count = var.session_manager ? 1 : 0

  role       = aws_iam_role.machine.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}
