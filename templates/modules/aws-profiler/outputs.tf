output "instance_type" {
  description = "Instance type of the machine."
  value       = aws_launch_template.profiler.instance_type
}

output "limit_minutes" {
  description = "When AWS ends the machine, minutes from the first apply."
  value       = var.limit_minutes
}

output "profile" {
  description = "Where the profile will lie."
  value       = "${var.bucket.results}/${var.profile_name}.json"
}
