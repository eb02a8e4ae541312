# The gateway: small machines with HAProxy behind one network load balancer.

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_ssm_parameter" "ami" {
  count = var.image == "" ? 1 : 0

  name = var.image_parameter
}

locals {
  region = data.aws_region.current.id
  ami    = var.image != "" ? var.image : data.aws_ssm_parameter.ami[0].value
  tls    = var.tls_secret != ""
  port   = local.tls ? 443 : 80
  tags   = merge(var.tags, var.plan_digest == "" ? {} : { "melange-plan" = var.plan_digest })

  settings = {
    cloud          = "aws"
    region         = local.region
    configuration  = local.path
    api_key_secret = var.api_key_secret
    tls_secret     = var.tls_secret
  }

  # The configuration is not in here: machines fetch it, and are not replaced when it changes.
  user_data = join("\n", [
    "#!/bin/bash",
    "SETTINGS=${base64encode(jsonencode(local.settings))}",
    "UPDATE=${base64gzip(file("${path.module}/machine/update.py"))}",
    "PACKAGES=${base64encode("haproxy python3 ca-certificates awscli")}",
    file("${path.module}/machine/boot.sh"),
  ])
}

resource "aws_launch_template" "gateway" {
  name                   = var.name
  image_id               = local.ami
  instance_type          = var.instance_type
  update_default_version = true
  user_data              = base64encode(local.user_data)

  iam_instance_profile {
    arn = aws_iam_instance_profile.machine.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  monitoring {
    enabled = true
  }

  network_interfaces {
    associate_public_ip_address = false
    delete_on_termination       = true
    security_groups             = [aws_security_group.machine.id]
  }

  block_device_mappings {
    device_name = "/dev/xvda" # of Debian's images

    ebs {
      delete_on_termination = true
      encrypted             = true
      volume_size           = 10
      volume_type           = "gp3"
    }
  }

  # the plan's digest is left out: a change of it would replace every machine
  tag_specifications {
    resource_type = "instance"
    tags          = merge(var.tags, { Name = var.name })
  }

  tag_specifications {
    resource_type = "volume"
    tags          = merge(var.tags, { Name = var.name })
  }

  tags = local.tags
}

resource "aws_autoscaling_group" "gateway" {
  name                      = var.name
  min_size                  = var.machine_count
  max_size                  = var.machine_count
  desired_capacity          = var.machine_count
  vpc_zone_identifier       = var.subnet_ids
  target_group_arns         = [aws_lb_target_group.gateway.arn]
  health_check_type         = "ELB"
  health_check_grace_period = 300
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances"]
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.gateway.id
    version = aws_launch_template.gateway.latest_version
  }

  # a new machine starts before an old one stops
  instance_refresh {
    strategy = "Rolling"

    preferences {
      instance_warmup        = 180
      min_healthy_percentage = 100
      max_healthy_percentage = min(200, 100 + ceil(100 / var.machine_count))
    }
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template tags the machines
    }
  }

  # machines fetch it when they start
  depends_on = [aws_ssm_parameter.machine, aws_ssm_parameter.files, aws_iam_role_policy.machine]
}

resource "aws_lb" "gateway" {
  # checkov:skip=CKV_AWS_91: access logs hold who asked when; a bucket for them is the account's choice
  # checkov:skip=CKV_AWS_150: the fleet is made and destroyed as a whole by the plan; nothing in it is data
  name                             = var.name
  load_balancer_type               = "network"
  internal                         = !var.public
  subnets                          = var.endpoint_subnet_ids
  enable_cross_zone_load_balancing = true
  tags                             = local.tags

  lifecycle {
    precondition {
      condition     = !var.public || local.tls
      error_message = "A public gateway needs tls_secret: keys and prompts must not cross the internet in the clear."
    }
  }
}

# The machines see the clients' own addresses, and their security group decides who may connect.
resource "aws_lb_target_group" "gateway" {
  name                 = var.name
  port                 = local.port
  protocol             = "TCP"
  vpc_id               = var.vpc_id
  deregistration_delay = 300 # answers in progress may take minutes

  health_check {
    protocol            = local.tls ? "HTTPS" : "HTTP"
    path                = "/health"
    interval            = 10
    healthy_threshold   = 3
    unhealthy_threshold = 3
  }

  tags = local.tags
}

resource "aws_lb_listener" "gateway" {
  load_balancer_arn = aws_lb.gateway.arn
  port              = local.port
  protocol          = "TCP" # TLS ends in HAProxy

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }

  tags = local.tags
}

resource "aws_cloudwatch_metric_alarm" "capacity" {
  alarm_name          = "${var.name}-capacity"
  alarm_description   = "The gateway has fewer machines in service than the ${var.machine_count} planned."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupInServiceInstances"
  statistic           = "Minimum"
  comparison_operator = "LessThanThreshold"
  threshold           = var.machine_count
  period              = 60
  evaluation_periods  = 10
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions

  dimensions = {
    AutoScalingGroupName = aws_autoscaling_group.gateway.name
  }

  tags = local.tags
}
