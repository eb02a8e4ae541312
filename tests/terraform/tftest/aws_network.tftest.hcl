# Run in a copy of the module aws-network.

mock_provider "aws" {
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-1c", "us-east-1a", "us-east-1d", "us-east-1b"] }
  }

  mock_data "aws_region" {
    defaults = { id = "us-east-1" }
  }

  mock_data "aws_ec2_instance_type_offerings" {
    defaults = { instance_types = [] }
  }
}

variables {
  name           = "chat"
  instance_types = ["p5.4xlarge"]
}

run "two_zones_where_only_one_sells_the_type" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.sold["us-east-1b"]
    values = { instance_types = ["p5.4xlarge"] }
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-east-1a = "10.64.32.0/19", us-east-1b = "10.64.64.0/19" }
    error_message = "The zone that sells the type, and one more for the load balancer."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.public)) : !subnet.map_public_ip_on_launch])
    error_message = "No machine gets a public address."
  }

  assert {
    condition     = length(aws_nat_gateway.main) == 1
    error_message = "One NAT gateway."
  }
}

run "a_zone_more_leaves_the_others_alone" {
  command = plan

  override_data {
    target = data.aws_ec2_instance_type_offerings.sold["us-east-1d"]
    values = { instance_types = ["p5.4xlarge"] }
  }

  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-east-1a = "10.64.32.0/19", us-east-1b = "10.64.64.0/19", us-east-1d = "10.64.128.0/19" }
    error_message = "Every zone has a range of its own."
  }
}

run "a_given_network" {
  command = plan

  variables {
    vpc_id     = "vpc-1"
    subnet_ids = ["subnet-1", "subnet-2"]
  }

  assert {
    condition     = length(aws_vpc.main) + length(aws_subnet.private) + length(aws_nat_gateway.main) + length(aws_eip.nat) == 0
    error_message = "Nothing is made."
  }

  assert {
    condition     = output.private_subnet_ids == tolist(["subnet-1", "subnet-2"]) && output.vpc_id == "vpc-1"
    error_message = "What was given is handed on."
  }
}
