# Run in a copy of the module aws-balancer.

mock_provider "aws" {}

variables {
  name         = "chat"
  vpc_id       = "vpc-1"
  subnet_ids   = ["subnet-1", "subnet-2"]
  ports        = [8000, 8001]
  client_cidrs = ["10.0.0.0/16"]
}

run "listeners_are_the_pools_own" {
  command = plan

  assert {
    condition     = length(aws_lb_listener.weighted) == 0 && aws_lb.main.internal && aws_lb.main.idle_timeout == 900
    error_message = "An internal balancer that waits for long answers."
  }

  assert {
    condition     = toset([for rule in aws_security_group_rule.from_cidrs : rule.from_port]) == toset([8000, 8001])
    error_message = "A way in for each port."
  }
}

run "weights" {
  command = plan

  variables {
    ports = [80]
    weights = {
      a = { target_group_arn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1", weight = 999 }
      b = { target_group_arn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/b/1", weight = 333 }
    }
  }

  assert {
    condition = {
      for target in aws_lb_listener.weighted[0].default_action[0].forward[0].target_group : target.arn => target.weight
      } == {
      "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1" = 999
      "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/b/1" = 333
    }
    error_message = "Each pool's weight."
  }
}

run "a_weight_that_aws_refuses" {
  command = plan

  variables {
    weights = {
      a = { target_group_arn = "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1", weight = 1000 }
    }
  }

  expect_failures = [var.weights]
}
