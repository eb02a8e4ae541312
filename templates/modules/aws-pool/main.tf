# A pool: machines of one type that all run one configuration of vLLM, behind one listener.

data "aws_partition" "current" {}

data "aws_region" "current" {}

data "aws_caller_identity" "current" {}

data "aws_subnet" "given" {
  count = length(var.subnet_ids)

  id = var.subnet_ids[count.index]
}

# whether the subnet's zone offers the instance type
data "aws_ec2_instance_type_offerings" "sold" {
  count = length(var.subnet_ids)

  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = [var.instance_type]
  }

  filter {
    name   = "location"
    values = [data.aws_subnet.given[count.index].availability_zone]
  }
}

data "aws_ssm_parameter" "ami" {
  count = var.ami == "" ? 1 : 0

  name = var.ami_parameter
}

locals {
  region = data.aws_region.current.id

  subnet_ids = [
    for index, subnet in data.aws_subnet.given : subnet.id
    if length(data.aws_ec2_instance_type_offerings.sold[index].instance_types) > 0
  ]

  ami = var.ami != "" ? var.ami : data.aws_ssm_parameter.ami[0].value

  listener_port = coalesce(var.listener_port, var.port)

  tags = merge(var.tags, var.plan_digest == "" ? {} : { "melange-plan" = var.plan_digest })

  settings = {
    cloud           = "aws"
    region          = local.region
    image           = var.vllm_image
    port            = var.port
    hf_token_secret = var.hf_token_secret
    api_key_secret  = var.api_key_secret
    arguments = concat(
      [
        var.model,
        "--tensor-parallel-size=${var.tensor_parallel}",
        "--data-parallel-size=${var.data_parallel}",
      ],
      var.max_model_len == null ? [] : ["--max-model-len=${var.max_model_len}"],
      var.vllm_args,
    )
  }

  user_data = templatefile("${path.module}/machine/boot.sh.tftpl", {
    settings = base64encode(jsonencode(local.settings))
    serve    = filebase64("${path.module}/machine/serve.sh")
  })
}

resource "aws_launch_template" "pool" {
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
    http_put_response_hop_limit = 1 # not reachable from inside the container
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
    device_name = "/dev/sda1"

    ebs {
      delete_on_termination = true
      encrypted             = true
      throughput            = var.volume_throughput
      iops                  = 3000
      volume_size           = var.volume_gib
      volume_type           = "gp3"
    }
  }

  dynamic "instance_market_options" {
    for_each = var.spot ? ["spot"] : []

    content {
      market_type = instance_market_options.value
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

resource "aws_autoscaling_group" "pool" {
  name                      = var.name
  min_size                  = var.machine_count
  max_size                  = var.machine_count
  desired_capacity          = var.machine_count
  vpc_zone_identifier       = local.subnet_ids
  target_group_arns         = [aws_lb_target_group.pool.arn]
  health_check_type         = "ELB"
  health_check_grace_period = var.load_seconds
  enabled_metrics           = ["GroupDesiredCapacity", "GroupInServiceInstances"]

  # GPUs are scarce: apply must not fail because a machine comes later; the alarm reports it
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = aws_launch_template.pool.id
    version = aws_launch_template.pool.latest_version
  }

  # A new machine starts before an old one stops, which needs quota for one machine above the plan.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      instance_warmup        = var.load_seconds
      min_healthy_percentage = 100
      max_healthy_percentage = min(200, 100 + ceil(100 / max(1, var.machine_count)))
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

  lifecycle {
    precondition {
      condition     = length(local.subnet_ids) > 0
      error_message = "None of the subnets is in a zone that offers ${var.instance_type}."
    }
  }
}

resource "aws_lb_target_group" "pool" {
  # checkov:skip=CKV_AWS_378: TLS ends at the balancer; behind it the traffic stays between two security groups of one VPC
  name                          = var.name
  port                          = var.port
  protocol                      = "HTTP"
  vpc_id                        = var.vpc_id
  load_balancing_algorithm_type = "least_outstanding_requests"
  deregistration_delay          = 300 # answers in progress may take minutes

  health_check {
    path                = "/health"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }

  tags = local.tags
}

resource "aws_lb_listener" "pool" {
  # checkov:skip=CKV_AWS_2: plain HTTP only where the balancer is internal and lets in none but the gateway
  # checkov:skip=CKV_AWS_103: as above; with a certificate the policy below is TLS 1.2 and newer
  count = var.listener ? 1 : 0

  load_balancer_arn = var.load_balancer.arn
  port              = local.listener_port
  protocol          = var.certificate_arn == "" ? "HTTP" : "HTTPS"
  certificate_arn   = var.certificate_arn == "" ? null : var.certificate_arn
  ssl_policy        = var.certificate_arn == "" ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.pool.arn
  }

  tags = local.tags
}

# Makes missing capacity visible: fewer machines in service than planned.
resource "aws_cloudwatch_metric_alarm" "capacity" {
  alarm_name          = "${var.name}-capacity"
  alarm_description   = "${var.name} has fewer machines in service than the ${var.machine_count} planned."
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
    AutoScalingGroupName = aws_autoscaling_group.pool.name
  }

  tags = local.tags
}
