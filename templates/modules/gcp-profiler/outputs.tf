output "instance_type" {
  description = "Machine type of the machine."
  value       = google_compute_instance.profiler.machine_type
}

output "limit_minutes" {
  description = "When Google Cloud deletes the machine, minutes from its start."
  value       = var.limit_minutes
}

output "profile" {
  description = "Where the profile will lie."
  value       = "${var.bucket.results}/${var.profile_name}.json"
}
