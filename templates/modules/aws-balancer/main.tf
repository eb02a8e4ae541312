# One load balancer for all pools of a region. Either each pool adds its listener to it, or one
# listener here splits requests among the pools by weight.

locals {
  tags = merge(var.tags, var.plan_digest == "" ? {} : { "melange-plan" = var.plan_digest })

  # a rule for every port and client; the keys are known before anything exists
  from_cidrs = length(var.client_cidrs) > 0 ? var.ports : []
  from_groups = {
    for pair in setproduct(keys(var.client_security_groups), var.ports) :
    "${pair[0]}-${pair[1]}" => { group = var.client_security_groups[pair[0]], port = pair[1] }
  }
}

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Load balancer ${var.name}; the pools add the way to their machines"
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = "${var.name}-balancer" })
}

resource "aws_security_group_rule" "from_cidrs" {
  for_each = { for port in local.from_cidrs : tostring(port) => port }

  description       = "Requests"
  type              = "ingress"
  security_group_id = aws_security_group.balancer.id
  cidr_blocks       = var.client_cidrs
  protocol          = "tcp"
  from_port         = each.value
  to_port           = each.value
}

resource "aws_security_group_rule" "from_groups" {
  for_each = local.from_groups

  description              = "Requests from the gateway"
  type                     = "ingress"
  security_group_id        = aws_security_group.balancer.id
  source_security_group_id = each.value.group
  protocol                 = "tcp"
  from_port                = each.value.port
  to_port                  = each.value.port
}

resource "aws_lb" "main" {
  # checkov:skip=CKV_AWS_91: access logs hold who asked when; a bucket for them is the account's choice
  # checkov:skip=CKV_AWS_150: the fleet is made and destroyed as a whole by the plan; nothing in it is data
  # checkov:skip=CKV2_AWS_28: internal, or open only to the gateway's addresses
  # checkov:skip=CKV2_AWS_20: no browser comes here; with a certificate the only listener is HTTPS
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.balancer.id]
  idle_timeout               = var.idle_seconds
  drop_invalid_header_fields = true
  tags                       = local.tags
}

resource "aws_lb_listener" "weighted" {
  # checkov:skip=CKV_AWS_2: HTTP only without a certificate, and then only inside the VPC
  # checkov:skip=CKV_AWS_103: as above; with a certificate the policy below is TLS 1.2 and newer
  count = length(var.weights) > 0 ? 1 : 0

  load_balancer_arn = aws_lb.main.arn
  port              = var.weighted_port
  protocol          = var.certificate_arn == "" ? "HTTP" : "HTTPS"
  certificate_arn   = var.certificate_arn == "" ? null : var.certificate_arn
  ssl_policy        = var.certificate_arn == "" ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type = "forward"

    # with one pool there is nothing to split, and AWS would read back no weights
    target_group_arn = length(var.weights) == 1 ? values(var.weights)[0].target_group_arn : null

    dynamic "forward" {
      for_each = length(var.weights) > 1 ? ["split"] : []

      content {
        dynamic "target_group" {
          for_each = var.weights

          content {
            arn    = target_group.value.target_group_arn
            weight = target_group.value.weight
          }
        }
      }
    }
  }

  tags = local.tags
}
