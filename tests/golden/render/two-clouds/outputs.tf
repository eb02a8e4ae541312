output "endpoint" {
  description = "URL of the model's OpenAI-compatible API."
  value       = module.gateway.endpoint
}

output "planned_usd_per_hour" {
  description = "What the GPU machines cost per hour according to the plan, at the prices it was made with."
  value       = 15.583385
}

output "plan_digest" {
  description = "Digest of the plan that this was rendered from."
  value       = local.plan_digest
}

output "pools" {
  description = "For each pool: the machines planned, its address, and the alarm for missing machines."
  value = {
    "aws-us-east-1-g5-xlarge-tp1" = {
      "instance_type"  = module.pool_aws_us_east_1_g5_xlarge_tp1.instance_type
      "planned_count"  = module.pool_aws_us_east_1_g5_xlarge_tp1.planned_count
      "address"        = module.pool_aws_us_east_1_g5_xlarge_tp1.address
      "port"           = module.pool_aws_us_east_1_g5_xlarge_tp1.port
      "capacity_alarm" = module.pool_aws_us_east_1_g5_xlarge_tp1.capacity_alarm
    }
    "aws-us-east-1-p5-4xlarge-tp1" = {
      "instance_type"  = module.pool_aws_us_east_1_p5_4xlarge_tp1.instance_type
      "planned_count"  = module.pool_aws_us_east_1_p5_4xlarge_tp1.planned_count
      "address"        = module.pool_aws_us_east_1_p5_4xlarge_tp1.address
      "port"           = module.pool_aws_us_east_1_p5_4xlarge_tp1.port
      "capacity_alarm" = module.pool_aws_us_east_1_p5_4xlarge_tp1.capacity_alarm
    }
    "gcp-us-central1-a2-highgpu-1g-tp1" = {
      "instance_type"  = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.instance_type
      "planned_count"  = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.planned_count
      "address"        = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.address
      "port"           = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.port
      "capacity_alarm" = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.capacity_alarm
    }
  }
}
