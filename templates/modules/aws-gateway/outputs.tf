output "endpoint" {
  description = "URL that clients call. With TLS, point the certificate's name at its host name."
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
  description = "Number of machines planned."
  value       = aws_autoscaling_group.gateway.desired_capacity
}

output "capacity_alarm" {
  description = "CloudWatch alarm that tells when there are fewer machines than planned."
  value       = aws_cloudwatch_metric_alarm.capacity.alarm_name
}

output "base_cfg" {
  description = "The part of HAProxy's configuration that is not in `files`: ports and the pools' addresses. HAProxy reads it first."
  value       = local.base_cfg
}
