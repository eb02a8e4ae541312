output "address" {
  description = "Host name of the pool."
  value       = var.load_balancer.dns_name
}

output "port" {
  description = "Port of the pool."
  value       = local.listener_port
}

output "planned_count" {
  description = "Number of machines planned."
  value       = aws_autoscaling_group.pool.desired_capacity
}

output "instance_type" {
  description = "Instance type of the machines."
  value       = aws_launch_template.pool.instance_type
}

output "group_name" {
  description = "Name of the autoscaling group."
  value       = aws_autoscaling_group.pool.name
}

output "target_group_arn" {
  description = "Target group of the machines, for listeners that split by weight."
  value       = aws_lb_target_group.pool.arn
}

output "capacity_alarm" {
  description = "CloudWatch alarm that tells when the pool has fewer machines than planned."
  value       = aws_cloudwatch_metric_alarm.capacity.alarm_name
}
