output "endpoint" {
  description = "URL that clients call. With TLS, point the certificate's name at its address."
  value       = "${local.tls ? "https" : "http"}://${google_compute_address.endpoint.address}"
}

output "service_account" {
  description = "Service account of the machines: the one that firewalls may let in."
  value       = google_service_account.machine.email
}

output "network_tag" {
  description = "Network tag of the machines."
  value       = var.name
}

output "group_name" {
  description = "Name of the managed instance group."
  value       = google_compute_region_instance_group_manager.gateway.name
}

output "instance_type" {
  description = "Machine type of the machines."
  value       = google_compute_region_instance_template.gateway.machine_type
}

output "planned_count" {
  description = "Number of machines planned."
  value       = google_compute_region_instance_group_manager.gateway.target_size
}

output "base_cfg" {
  description = "The part of HAProxy's configuration that is not in `files`: ports and the pools' addresses. HAProxy reads it first."
  value       = local.base_cfg
}
