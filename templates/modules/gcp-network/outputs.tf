output "network" {
  description = "The network, made or given."
  value       = local.make ? google_compute_network.main[0].id : var.network
}

output "subnetwork" {
  description = "Subnet of the machines."
  value       = local.make ? google_compute_subnetwork.machines[0].id : var.subnetwork
}

output "proxy_cidr" {
  description = "Address range from which load balancers reach the machines."
  value       = var.proxy_cidr

  # load balancers need the subnet, and nothing else in their arguments says so
  depends_on = [google_compute_subnetwork.proxies]
}

output "nat_addresses" {
  description = "Public addresses from which the machines reach the internet."
  value       = local.make ? google_compute_address.nat[*].address : var.nat_addresses
}
