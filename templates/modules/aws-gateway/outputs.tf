output "endpoint" {
  description = "Where clients call. With TLS, point the certificate's name at this one."
  value       = "${local.tls ? "https" : "http"}://${aws_lb.gateway.dns_name}"
}

output "security_group_id" {
  description = "Security group of the machines: the one that the pools' load balancers must let in."
  value       = aws_security_group.machine.id
}

output "group_name" {
  description = "Name of the autoscaling group."
  value       = aws_autoscaling_group.gateway.name
}

output "instance_type" {
  description = "Instance type of the machines."
  value       = aws_launch_template.gateway.instance_type
}

output "planned_count" {
  description = "Machines that there should be."
  value       = aws_autoscaling_group.gateway.desired_capacity
}

output "capacity_alarm" {
  description = "CloudWatch alarm that tells when there are fewer machines than planned."
  value       = aws_cloudwatch_metric_alarm.capacity.alarm_name
}

output "base_cfg" {
  description = "What the machines are told beside `files`; HAProxy reads it first."
  value       = local.base_cfg
}
