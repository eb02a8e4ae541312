# One internal address that splits requests among the pools by weight.

locals {
  tls = var.certificate != ""
  labels = merge(
    var.labels,
    var.plan_digest == "" ? {} : { melange-plan = substr(replace(var.plan_digest, ":", "-"), 0, 63) },
  )
}

resource "google_compute_region_url_map" "weighted" {
  project = var.project
  region  = var.region
  name    = var.name

  default_route_action {
    dynamic "weighted_backend_services" {
      for_each = var.weights

      content {
        backend_service = weighted_backend_services.value.backend_service
        weight          = weighted_backend_services.value.weight
      }
    }
  }
}

resource "google_compute_region_target_http_proxy" "weighted" {
  count = local.tls ? 0 : 1

  project = var.project
  region  = var.region
  name    = var.name
  url_map = google_compute_region_url_map.weighted.id
}

resource "google_compute_region_target_https_proxy" "weighted" {
  count = local.tls ? 1 : 0

  project          = var.project
  region           = var.region
  name             = var.name
  url_map          = google_compute_region_url_map.weighted.id
  ssl_certificates = [var.certificate]
}

resource "google_compute_forwarding_rule" "weighted" {
  project               = var.project
  region                = var.region
  name                  = var.name
  load_balancing_scheme = "INTERNAL_MANAGED"
  ip_protocol           = "TCP"
  port_range            = tostring(var.port)
  network               = var.network
  subnetwork            = var.subnetwork
  target = local.tls ? (
    google_compute_region_target_https_proxy.weighted[0].id
  ) : google_compute_region_target_http_proxy.weighted[0].id
  labels = local.labels
}
