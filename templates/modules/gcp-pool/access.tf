# Who may reach the machines, and what the machines may do.

locals {
  # full names, or "" where no secret is given
  secret_ids = [
    for secret in [var.hf_token_secret, var.api_key_secret] :
    secret == "" || startswith(secret, "projects/") ? secret : "projects/${var.project}/secrets/${secret}"
  ]
}

resource "google_service_account" "machine" {
  project      = var.project
  account_id   = var.name
  display_name = "Machines of the pool ${var.name}"
}

resource "google_secret_manager_secret_iam_member" "machine" {
  for_each = toset([for secret in local.secret_ids : secret if secret != ""])

  secret_id = each.value
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.machine.email}"
}

resource "google_compute_firewall" "from_balancer" {
  project                 = var.project
  name                    = "${var.name}-balancer"
  description             = "Requests and health checks, from the load balancer and from Google's checkers"
  network                 = var.network
  direction               = "INGRESS"
  source_ranges           = [var.proxy_cidr, "35.191.0.0/16", "130.211.0.0/22"]
  target_service_accounts = [google_service_account.machine.email]

  allow {
    protocol = "tcp"
    ports    = [tostring(var.port)]
  }
}
