output "address" {
  description = "Address of the pool; empty without a listener."
  value       = var.listener ? google_compute_forwarding_rule.pool[0].ip_address : ""
}

output "port" {
  description = "Port of the pool."
  value       = var.port
}

output "planned_count" {
  description = "Number of machines planned."
  value       = google_compute_region_instance_group_manager.pool.target_size
}

output "instance_type" {
  description = "Machine type of the machines."
  value       = google_compute_region_instance_template.pool.machine_type
}

output "group_name" {
  description = "Name of the managed instance group."
  value       = google_compute_region_instance_group_manager.pool.name
}

output "backend_service" {
  description = "Backend service of the pool, for balancers that split by weight."
  value       = google_compute_region_backend_service.pool.id
}

output "capacity_alarm" {
  description = "Monitoring policy that tells when the pool has fewer machines than planned."
  value       = one(google_monitoring_alert_policy.capacity[*].display_name)
}
