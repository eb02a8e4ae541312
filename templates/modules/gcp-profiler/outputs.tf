output "instance_type" {
  description = "Machine type of the machine."
  value       = google_compute_instance.profiler.machine_type
}

output "limit_minutes" {
  description = "How many minutes after its start Google Cloud deletes the machine."
  value       = var.limit_minutes
}

output "profile" {
  description = "Where the profile will be stored."
  value       = "${var.bucket.results}/${var.profile_name}.json"
}
