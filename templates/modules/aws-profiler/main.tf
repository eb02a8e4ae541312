# One machine that measures what a model sustains on its GPUs, and then terminates itself.

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

  # in the form that the scripts of a pool's machine read
  server = {
    cloud           = "aws"
    region          = local.region
    image           = var.vllm_image
    port            = 8000
    hf_token_secret = var.hf_token_secret
    api_key_secret  = ""
    arguments = concat(
      [var.model, "--tensor-parallel-size=${var.tensor_parallel}"],
      var.max_model_len == null ? [] : ["--max-model-len=${var.max_model_len}"],
      var.vllm_args,
    )
  }

  profile = {
    cloud          = "aws"
    bucket_region  = var.bucket.region
    name           = var.profile_name
    image          = var.vllm_image
    port           = 8000
    load_seconds   = var.load_seconds
    program        = var.bucket.program
    program_sha256 = var.program_sha256
    results        = var.bucket.results
    wheel          = var.wheel
    arguments      = var.profile_arguments
  }

  user_data = join("", [
    templatefile("${path.module}/machine/profile-boot.sh.tftpl", {
      settings      = base64encode(jsonencode(local.profile))
      profile       = filebase64("${path.module}/machine/profile.sh")
      limit_minutes = var.limit_minutes
    }),
    templatefile("${path.module}/machine/boot.sh.tftpl", {
      settings = base64encode(jsonencode(local.server))
      serve    = filebase64("${path.module}/machine/serve.sh")
    }),
  ])
}

resource "aws_launch_template" "profiler" {
  # checkov:skip=CKV_AWS_88: it needs a public address as there is no NAT, which would still cost after the machine has ended; nothing is let in
  name                                 = var.name
  image_id                             = local.ami
  instance_type                        = var.instance_type
  instance_initiated_shutdown_behavior = "terminate"
  update_default_version               = true
  user_data                            = base64encode(local.user_data)

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
    associate_public_ip_address = var.public_address
    delete_on_termination       = true
    security_groups             = [aws_security_group.machine.id]
  }

  block_device_mappings {
    device_name = "/dev/sda1"

    ebs {
      delete_on_termination = true
      encrypted             = true
      throughput            = 250
      iops                  = 3000
      volume_size           = var.volume_gib
      volume_type           = "gp3"
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = merge(var.tags, { Name = var.name })
  }

  tag_specifications {
    resource_type = "volume"
    tags          = merge(var.tags, { Name = var.name })
  }

  tags = var.tags
}

# A group of one machine, because a group looks for a GPU in all zones and can be scheduled to end.
resource "aws_autoscaling_group" "profiler" {
  name                = var.name
  min_size            = 0
  max_size            = 1
  desired_capacity    = 1
  vpc_zone_identifier = local.subnet_ids
  health_check_type   = "EC2"

  # GPUs are scarce: apply must not fail because the machine comes later
  wait_for_capacity_timeout = "0"

  # a machine that has ended must not be replaced
  suspended_processes = ["AZRebalance", "HealthCheck", "ReplaceUnhealthy"]

  launch_template {
    id      = aws_launch_template.profiler.id
    version = aws_launch_template.profiler.latest_version
  }

  dynamic "tag" {
    for_each = var.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = false # the launch template tags the machine
    }
  }

  lifecycle {
    # the scheduled action below sets them to 0; another apply must not start the machine again
    ignore_changes = [min_size, max_size, desired_capacity]

    precondition {
      condition     = length(local.subnet_ids) > 0
      error_message = "None of the subnets is in a zone that offers ${var.instance_type}."
    }
  }
}

# The hard limit, kept by AWS whatever the machine does.
resource "aws_autoscaling_schedule" "end" {
  scheduled_action_name  = "${var.name}-end"
  autoscaling_group_name = aws_autoscaling_group.profiler.name
  start_time             = timeadd(timestamp(), "${var.limit_minutes}m")
  min_size               = 0
  max_size               = 0
  desired_capacity       = 0

  lifecycle {
    ignore_changes = [start_time] # counted from the first apply
  }
}
