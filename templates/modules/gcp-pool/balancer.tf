# The entry to the pool: a regional application load balancer, internal by default.

locals {
  scheme = var.internal ? "INTERNAL_MANAGED" : "EXTERNAL_MANAGED"
  tls    = var.certificate != ""
}

resource "google_compute_region_backend_service" "pool" {
  project                         = var.project
  region                          = var.region
  name                            = var.name
  load_balancing_scheme           = local.scheme
  protocol                        = "HTTP"
  port_name                       = "vllm"
  timeout_sec                     = 900 # longer than the slowest answer takes
  connection_draining_timeout_sec = 300
  locality_lb_policy              = "LEAST_REQUEST"
  health_checks                   = [google_compute_region_health_check.pool.id]
  security_policy                 = var.internal ? null : google_compute_region_security_policy.clients[0].self_link

  backend {
    group           = google_compute_region_instance_group_manager.pool.instance_group
    balancing_mode  = "UTILIZATION"
    capacity_scaler = 1
  }
}

# Who may call a pool that the internet can reach.
resource "google_compute_region_security_policy" "clients" {
  count = var.internal ? 0 : 1

  project     = var.project
  region      = var.region
  name        = var.name
  description = "The gateway's addresses and nobody else"
  type        = "CLOUD_ARMOR"

  rules {
    action   = "allow"
    priority = 1000

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = var.client_cidrs
      }
    }
  }

  rules {
    action   = "deny(403)"
    priority = 2147483647 # the default rule

    match {
      versioned_expr = "SRC_IPS_V1"

      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  lifecycle {
    precondition {
      condition     = local.tls && length(var.client_cidrs) > 0
      error_message = "A pool that is not internal needs a certificate and client_cidrs."
    }
  }
}

resource "google_compute_region_url_map" "pool" {
  count = var.listener ? 1 : 0

  project         = var.project
  region          = var.region
  name            = var.name
  default_service = google_compute_region_backend_service.pool.id
}

resource "google_compute_region_target_http_proxy" "pool" {
  count = var.listener && !local.tls ? 1 : 0

  project = var.project
  region  = var.region
  name    = var.name
  url_map = google_compute_region_url_map.pool[0].id
}

resource "google_compute_region_target_https_proxy" "pool" {
  count = var.listener && local.tls ? 1 : 0

  project          = var.project
  region           = var.region
  name             = var.name
  url_map          = google_compute_region_url_map.pool[0].id
  ssl_certificates = [var.certificate]
}

resource "google_compute_address" "pool" {
  count = var.listener && !var.internal ? 1 : 0

  project      = var.project
  region       = var.region
  name         = var.name
  address_type = "EXTERNAL"
  labels       = local.labels
}

resource "google_compute_forwarding_rule" "pool" {
  count = var.listener ? 1 : 0

  project               = var.project
  region                = var.region
  name                  = var.name
  load_balancing_scheme = local.scheme
  ip_protocol           = "TCP"
  ip_address            = var.internal ? null : google_compute_address.pool[0].address
  port_range            = tostring(var.port)
  network               = var.network
  subnetwork            = var.internal ? var.subnetwork : null
  target = local.tls ? (
    google_compute_region_target_https_proxy.pool[0].id
  ) : google_compute_region_target_http_proxy.pool[0].id
  labels = local.labels
}
