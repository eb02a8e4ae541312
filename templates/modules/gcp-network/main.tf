# A network with a subnet for machines, one for Google's load balancers, and NAT. When a network is
# given, nothing is made.

locals {
  make = var.network == ""
  nat  = local.make && var.nat
}

resource "google_compute_network" "main" {
  # checkov:skip=CKV2_GCP_18: the firewall rules belong to the pools that need them; without any, nothing gets in
  count = local.make ? 1 : 0

  project                 = var.project
  name                    = var.name
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "machines" {
  # checkov:skip=CKV_GCP_26: flow logs cost by traffic and belong to the project's policy, not to one service
  # checkov:skip=CKV_GCP_76: IPv4 only
  count = local.make ? 1 : 0

  project                  = var.project
  region                   = var.region
  name                     = "${var.name}-machines"
  network                  = google_compute_network.main[0].id
  ip_cidr_range            = var.cidr
  private_ip_google_access = true
}

resource "google_compute_subnetwork" "proxies" {
  # checkov:skip=CKV_GCP_26: Google keeps no flow logs for proxy-only subnets
  # checkov:skip=CKV_GCP_74: a proxy-only subnet has no machines that could ask for Google's APIs
  # checkov:skip=CKV_GCP_76: IPv4 only
  count = local.make ? 1 : 0

  project       = var.project
  region        = var.region
  name          = "${var.name}-proxies"
  network       = google_compute_network.main[0].id
  ip_cidr_range = var.proxy_cidr
  purpose       = "REGIONAL_MANAGED_PROXY"
  role          = "ACTIVE"
}

# a fixed address, so that other networks can let it in
resource "google_compute_address" "nat" {
  count = local.nat ? 1 : 0

  project = var.project
  region  = var.region
  name    = "${var.name}-nat"
  labels  = var.labels
}

resource "google_compute_router" "main" {
  count = local.nat ? 1 : 0

  project = var.project
  region  = var.region
  name    = var.name
  network = google_compute_network.main[0].id
}

resource "google_compute_router_nat" "main" {
  count = local.nat ? 1 : 0

  project                            = var.project
  region                             = var.region
  name                               = var.name
  router                             = google_compute_router.main[0].name
  nat_ip_allocate_option             = "MANUAL_ONLY"
  nat_ips                            = google_compute_address.nat[*].self_link
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.machines[0].id
    source_ip_ranges_to_nat = ["ALL_IP_RANGES"]
  }
}
