# Run in a copy of the module aws-pool.

mock_provider "aws" {
  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws", dns_suffix = "amazonaws.com" }
  }

  mock_data "aws_ec2_instance_type_offerings" {
    defaults = { instance_types = ["p4d.24xlarge"] }
  }

  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-1" }
  }

  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  name            = "chat-p4d"
  instance_type   = "p4d.24xlarge"
  machine_count   = 3
  model           = "meta-llama/Llama-3.1-70B"
  tensor_parallel = 4
  data_parallel   = 2
  max_model_len   = 8192
  port            = 8007
  hf_token_secret = "hf-token"
  vpc_id          = "vpc-1"
  subnet_ids      = ["subnet-1", "subnet-2"]
  plan_digest     = "sha256:one"

  load_balancer = {
    arn               = "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/x/1"
    dns_name          = "x.elb.amazonaws.com"
    security_group_id = "sg-1"
  }
}

run "machines_are_as_planned" {
  command = apply

  assert {
    condition     = aws_autoscaling_group.pool.desired_capacity == 3 && aws_autoscaling_group.pool.min_size == 3 && aws_autoscaling_group.pool.max_size == 3
    error_message = "Three machines, no more and no fewer."
  }

  assert {
    condition     = aws_launch_template.pool.instance_type == "p4d.24xlarge" && aws_launch_template.pool.image_id == "ami-1"
    error_message = "The type that was asked for, with the image of the parameter."
  }

  assert {
    condition     = aws_launch_template.pool.metadata_options[0].http_tokens == "required"
    error_message = "IMDSv2 is required."
  }

  assert {
    condition     = tobool(aws_launch_template.pool.network_interfaces[0].associate_public_ip_address) == false
    error_message = "No public address."
  }

  assert {
    condition     = aws_launch_template.pool.block_device_mappings[0].ebs[0].volume_type == "gp3" && tobool(aws_launch_template.pool.block_device_mappings[0].ebs[0].encrypted)
    error_message = "An encrypted gp3 volume."
  }

  assert {
    condition     = one(aws_autoscaling_group.pool.instance_refresh[0].preferences).min_healthy_percentage == 100 && one(aws_autoscaling_group.pool.instance_refresh[0].preferences).max_healthy_percentage == 134
    error_message = "One machine more before one less."
  }

  assert {
    condition     = alltrue([for tag in aws_autoscaling_group.pool.tag : !tag.propagate_at_launch])
    error_message = "The plan's digest must not reach the machines."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.capacity.threshold == 3 && aws_cloudwatch_metric_alarm.capacity.comparison_operator == "LessThanThreshold"
    error_message = "The alarm tells of fewer than three."
  }
}

run "ports_and_health" {
  command = plan

  assert {
    condition     = aws_lb_listener.pool[0].port == 8007 && aws_lb_target_group.pool.port == 8007
    error_message = "One port for listener and server."
  }

  assert {
    condition     = aws_security_group_rule.from_balancer.from_port == 8007 && aws_security_group_rule.from_balancer.to_port == 8007
    error_message = "Nothing but that port is open."
  }

  assert {
    condition     = aws_lb_target_group.pool.health_check[0].path == "/health" && aws_lb_target_group.pool.load_balancing_algorithm_type == "least_outstanding_requests"
    error_message = "Health by vLLM, requests to the least busy."
  }
}

run "user_data_says_what_vllm_runs" {
  command = plan

  assert {
    condition = jsondecode(base64decode(regex("pool.json\" <<'END'\n([A-Za-z0-9+/=]+)\nEND", base64decode(aws_launch_template.pool.user_data))[0])) == {
      cloud           = "aws"
      region          = "us-east-1"
      image           = "vllm/vllm-openai:v0.28.0-cu129"
      port            = 8007
      hf_token_secret = "hf-token"
      api_key_secret  = ""
      arguments = [
        "meta-llama/Llama-3.1-70B",
        "--tensor-parallel-size=4",
        "--data-parallel-size=2",
        "--max-model-len=8192",
      ]
    }
    error_message = "User data must hold the pool's settings."
  }

  assert {
    condition     = !strcontains(base64decode(aws_launch_template.pool.user_data), "sha256:one")
    error_message = "Another plan must not replace the machines."
  }
}

run "the_role_reads_its_secret_alone" {
  command = plan

  assert {
    condition     = length(aws_iam_role_policy.secrets) == 1 && length(data.aws_iam_policy_document.secrets[0].statement) == 1
    error_message = "One statement, for the secret."
  }

  assert {
    condition     = data.aws_iam_policy_document.secrets[0].statement[0].actions == toset(["secretsmanager:GetSecretValue"])
    error_message = "It may read and nothing else."
  }
}

run "without_a_secret_there_is_no_policy" {
  command = plan

  variables {
    hf_token_secret = ""
  }

  assert {
    condition     = length(aws_iam_role_policy.secrets) == 0
    error_message = "Nothing to read, nothing allowed."
  }
}

run "spot_and_tls" {
  command = plan

  variables {
    spot            = true
    certificate_arn = "arn:aws:acm:us-east-1:1:certificate/x"
  }

  assert {
    condition     = aws_launch_template.pool.instance_market_options[0].market_type == "spot"
    error_message = "Spot was asked for."
  }

  assert {
    condition     = aws_lb_listener.pool[0].protocol == "HTTPS" && startswith(aws_lb_listener.pool[0].ssl_policy, "ELBSecurityPolicy-TLS13")
    error_message = "With a certificate the listener speaks TLS."
  }
}

run "no_zone_sells_it" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.sold
    values = { instance_types = [] }
  }

  expect_failures = [aws_autoscaling_group.pool]
}

run "a_name_that_the_cloud_refuses" {
  command = plan

  variables {
    name = "Chat_Pool"
  }

  expect_failures = [var.name]
}

run "half_a_machine" {
  command = plan

  variables {
    machine_count = 2.5
  }

  expect_failures = [var.machine_count]
}

run "an_option_for_a_model" {
  command = plan

  variables {
    model = "--trust-remote-code"
  }

  expect_failures = [var.model]
}
