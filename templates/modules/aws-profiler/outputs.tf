output "instance_type" {
  description = "Instance type of the machine."
  value       = aws_launch_template.profiler.instance_type
}

output "limit_minutes" {
  description = "How many minutes after the first apply AWS ends the machine."
  value       = var.limit_minutes
}

output "profile" {
  description = "Where the profile will be stored."
  value       = "${var.bucket.results}/${var.profile_name}.json"
}
