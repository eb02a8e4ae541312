output "endpoint" {
  description = "URL of the model's OpenAI-compatible API."
  value       = module.balancer_aws_us_east_1.endpoint
}

output "planned_usd_per_hour" {
  description = "What the GPU machines cost per hour according to the plan, at the prices it was made with."
  value       = 137.23525
}

output "plan_digest" {
  description = "Digest of the plan that this was rendered from."
  value       = local.plan_digest
}

output "pools" {
  description = "For each pool: the machines planned, its address, and the alarm for missing machines."
  value = {
    "aws-us-east-1-p4de-24xlarge-tp8" = {
      "instance_type"  = module.pool_aws_us_east_1_p4de_24xlarge_tp8.instance_type
      "planned_count"  = module.pool_aws_us_east_1_p4de_24xlarge_tp8.planned_count
      "address"        = module.pool_aws_us_east_1_p4de_24xlarge_tp8.address
      "port"           = module.pool_aws_us_east_1_p4de_24xlarge_tp8.port
      "capacity_alarm" = module.pool_aws_us_east_1_p4de_24xlarge_tp8.capacity_alarm
    }
  }
}
