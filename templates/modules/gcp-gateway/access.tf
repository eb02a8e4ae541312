# Who may reach the machines, and what the machines may do.

resource "google_service_account" "machine" {
  project      = var.project
  account_id   = var.name
  display_name = "Machines of the gateway ${var.name}"
}

locals {
  member = "serviceAccount:${google_service_account.machine.email}"

  clients = length(var.allowed_cidrs) > 0 ? var.allowed_cidrs : [
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
  ]

  # Google's health checkers; a public address is also probed from the second pair of ranges
  health_checkers = concat(
    ["35.191.0.0/16", "130.211.0.0/22"],
    var.public ? ["209.85.152.0/22", "209.85.204.0/22"] : [],
  )
}

# The machines may only read, and only this bucket.
resource "google_project_iam_member" "bucket" {
  project = var.project
  role    = "roles/storage.objectViewer"
  member  = local.member

  condition {
    title       = "gateway configuration"
    description = "Only the bucket with the gateway's configuration"
    expression = join(" || ", [
      "resource.name == \"projects/_/buckets/${google_storage_bucket.configuration.name}\"",
      "resource.name.startsWith(\"projects/_/buckets/${google_storage_bucket.configuration.name}/\")",
    ])
  }
}

resource "google_secret_manager_secret_iam_member" "machine" {
  for_each = toset(compact([var.api_key_secret, var.tls_secret]))

  project   = var.project
  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = local.member
}

resource "google_compute_firewall" "clients" {
  project                 = var.project
  name                    = "${var.name}-clients"
  description             = "Requests, and Google's health checks"
  network                 = var.network
  direction               = "INGRESS"
  source_ranges           = distinct(concat(local.health_checkers, local.clients))
  target_service_accounts = [google_service_account.machine.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(local.port)]
  }
}

resource "google_compute_firewall" "metrics" {
  count = length(var.metrics_cidrs) > 0 ? 1 : 0

  project                 = var.project
  name                    = "${var.name}-metrics"
  description             = "Prometheus"
  network                 = var.network
  direction               = "INGRESS"
  source_ranges           = var.metrics_cidrs
  target_service_accounts = [google_service_account.machine.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.metrics_port)]
  }
}
