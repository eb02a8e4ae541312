# The gateway: small machines with HAProxy behind one passthrough load balancer.

data "google_compute_zones" "all" {
  project = var.project
  region  = var.region
}

locals {
  zones = sort(length(var.zones) > 0 ? var.zones : data.google_compute_zones.all.names)
  tls   = var.tls_secret != ""
  port  = local.tls ? 443 : 80
  labels = merge(
    var.labels,
    var.plan_digest == "" ? {} : { melange-plan = substr(replace(var.plan_digest, ":", "-"), 0, 63) },
  )

  settings = {
    cloud          = "gcp"
    project        = var.project
    configuration  = "gs://${google_storage_bucket.configuration.name}/gateway.json"
    api_key_secret = var.api_key_secret
    tls_secret     = var.tls_secret
  }
}

# HAProxy's configuration, which every machine fetches each minute.
resource "google_storage_bucket" "configuration" {
  # checkov:skip=CKV_GCP_62: one small object that only the gateway's machines read
  # checkov:skip=CKV_GCP_78: Terraform makes the object from the plan; the user's version control has the old ones
  project                     = var.project
  name                        = "${var.project}-${var.name}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = local.labels
}

locals {
  base_cfg = templatefile("${path.module}/machine/base.cfg.tftpl", {
    port         = local.port
    metrics_port = var.metrics_port
    tls          = local.tls
    backends     = var.backends
  })
}

resource "google_storage_bucket_object" "configuration" {
  bucket       = google_storage_bucket.configuration.name
  name         = "gateway.json"
  content      = jsonencode(merge(var.files, { "base.cfg" = local.base_cfg }))
  content_type = "application/json"
}

resource "google_compute_region_instance_template" "gateway" {
  project      = var.project
  region       = var.region
  name_prefix  = "${var.name}-"
  machine_type = var.instance_type

  # the plan's digest is left out: a change of it would replace every machine
  labels = var.labels
  tags   = [var.name]

  # The configuration is not in here: machines fetch it, and are not replaced when it changes.
  metadata = {
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
    startup-script = join("\n", [
      "#!/bin/bash",
      "SETTINGS=${base64encode(jsonencode(local.settings))}",
      "UPDATE=${base64gzip(file("${path.module}/machine/update.py"))}",
      "PACKAGES=${base64encode("haproxy python3 ca-certificates google-cloud-cli")}",
      file("${path.module}/machine/boot.sh"),
    ])
  }

  disk {
    boot         = true
    auto_delete  = true
    source_image = var.image
    disk_size_gb = 10
    disk_type    = "pd-balanced"
  }

  # no access_config: no public address
  network_interface {
    network    = var.network
    subnetwork = var.subnetwork
  }

  service_account {
    email  = google_service_account.machine.email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"] # its roles limit what it may do
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "gateway" {
  project                   = var.project
  region                    = var.region
  name                      = var.name
  base_instance_name        = var.name
  target_size               = var.machine_count
  distribution_policy_zones = local.zones
  wait_for_instances        = false

  version {
    instance_template = google_compute_region_instance_template.gateway.self_link
  }

  auto_healing_policies {
    health_check      = google_compute_region_health_check.gateway.id
    initial_delay_sec = 300
  }

  # New machines start before old ones stop; Google requires a surge of one machine for each zone.
  update_policy {
    type                  = "PROACTIVE"
    minimal_action        = "REPLACE"
    max_surge_fixed       = length(local.zones)
    max_unavailable_fixed = 0
  }

  # machines fetch these when they start
  depends_on = [
    google_storage_bucket_object.configuration,
    google_project_iam_member.bucket,
    google_secret_manager_secret_iam_member.machine,
  ]
}

resource "google_compute_region_health_check" "gateway" {
  # checkov:skip=CKV_GCP_86: it would log a line for each check of each machine; whoever needs it can turn it on
  project             = var.project
  region              = var.region
  name                = var.name
  check_interval_sec  = 10
  timeout_sec         = 5
  healthy_threshold   = 2
  unhealthy_threshold = 3

  dynamic "http_health_check" {
    for_each = local.tls ? [] : [local.port]

    content {
      port         = http_health_check.value
      request_path = "/health"
    }
  }

  dynamic "https_health_check" {
    for_each = local.tls ? [local.port] : []

    content {
      port         = https_health_check.value
      request_path = "/health"
    }
  }
}

resource "google_compute_region_backend_service" "gateway" {
  project                         = var.project
  region                          = var.region
  name                            = var.name
  load_balancing_scheme           = local.scheme
  protocol                        = "TCP"
  connection_draining_timeout_sec = 300
  health_checks                   = [google_compute_region_health_check.gateway.id]

  backend {
    group          = google_compute_region_instance_group_manager.gateway.instance_group
    balancing_mode = "CONNECTION"
  }
}

locals {
  scheme = var.public ? "EXTERNAL" : "INTERNAL"
}

resource "google_compute_address" "endpoint" {
  project      = var.project
  region       = var.region
  name         = var.name
  address_type = local.scheme
  subnetwork   = var.public ? null : var.subnetwork
  labels       = local.labels

  lifecycle {
    precondition {
      condition     = !var.public || local.tls
      error_message = "A public gateway needs tls_secret: keys and prompts must not cross the internet in the clear."
    }
  }
}

resource "google_compute_forwarding_rule" "gateway" {
  project               = var.project
  region                = var.region
  name                  = var.name
  load_balancing_scheme = local.scheme
  ip_protocol           = "TCP"
  ip_address            = google_compute_address.endpoint.address
  ports                 = [tostring(local.port)] # TLS ends in HAProxy
  network               = var.public ? null : var.network
  subnetwork            = var.public ? null : var.subnetwork
  backend_service       = google_compute_region_backend_service.gateway.id
  labels                = local.labels
}
