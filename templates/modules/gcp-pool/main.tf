# A pool: machines of one type that all run one configuration of vLLM.

data "google_compute_zones" "all" {
  project = var.project
  region  = var.region
}

data "google_compute_machine_types" "sold" {
  for_each = toset(length(var.zones) > 0 ? [] : data.google_compute_zones.all.names)

  project = var.project
  zone    = each.value
  filter  = "name = \"${var.machine_type}\""
}

locals {
  zones = length(var.zones) > 0 ? sort(var.zones) : sort([
    for zone, sold in data.google_compute_machine_types.sold : zone if length(sold.machine_types) > 0
  ])

  # series that boot from Hyperdisk only
  hyperdisk = can(regex("^(g4|a4|a3-ultragpu)-", var.machine_type))

  labels = merge(
    var.labels,
    var.plan_digest == "" ? {} : { melange-plan = substr(replace(var.plan_digest, ":", "-"), 0, 63) },
  )

  settings = {
    cloud           = "gcp"
    region          = var.region
    image           = var.vllm_image
    port            = var.port
    hf_token_secret = local.secret_ids[0]
    api_key_secret  = local.secret_ids[1]
    arguments = concat(
      [
        var.model,
        "--tensor-parallel-size=${var.tensor_parallel}",
        "--data-parallel-size=${var.data_parallel}",
      ],
      var.max_model_len == null ? [] : ["--max-model-len=${var.max_model_len}"],
      var.vllm_args,
    )
  }
}

resource "google_compute_region_instance_template" "pool" {
  project      = var.project
  region       = var.region
  name_prefix  = "${var.name}-"
  machine_type = var.machine_type

  # the plan's digest is left out: a change of it would replace every machine
  labels = merge(var.labels, { melange-pool = var.name })

  metadata = {
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
    startup-script = templatefile("${path.module}/machine/boot.sh.tftpl", {
      settings = base64encode(jsonencode(local.settings))
      serve    = filebase64("${path.module}/machine/serve.sh")
    })
  }

  disk {
    boot         = true
    auto_delete  = true
    source_image = var.image
    disk_size_gb = var.volume_gib
    disk_type    = local.hyperdisk ? "hyperdisk-balanced" : "pd-balanced"
  }

  # no access_config: no public address
  network_interface {
    network    = var.network
    subnetwork = var.subnetwork
  }

  # machines with GPUs cannot be moved while they run
  scheduling {
    on_host_maintenance = "TERMINATE"
    automatic_restart   = !var.spot
    preemptible         = var.spot
    provisioning_model  = var.spot ? "SPOT" : "STANDARD"
  }

  service_account {
    email  = google_service_account.machine.email
    scopes = ["https://www.googleapis.com/auth/cloud-platform"] # its roles limit what it may do
  }

  shielded_instance_config {
    enable_secure_boot          = false # NVIDIA's driver of the image is not signed for it
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_region_instance_group_manager" "pool" {
  project                          = var.project
  region                           = var.region
  name                             = var.name
  base_instance_name               = var.name
  target_size                      = var.machine_count
  distribution_policy_zones        = local.zones
  distribution_policy_target_shape = "ANY" # any zone with free GPUs, rather than the same number in each zone

  # GPUs are scarce: apply must not fail because a machine comes later; the alert reports it
  wait_for_instances = false

  version {
    instance_template = google_compute_region_instance_template.pool.self_link
  }

  named_port {
    name = "vllm"
    port = var.port
  }

  auto_healing_policies {
    health_check      = google_compute_region_health_check.pool.id
    initial_delay_sec = var.load_seconds
  }

  # New machines start before old ones stop. Google requires a surge of one machine for each zone,
  # which needs quota.
  update_policy {
    type                         = "PROACTIVE"
    minimal_action               = "REPLACE"
    replacement_method           = "SUBSTITUTE"
    instance_redistribution_type = "NONE" # a target shape other than EVEN requires it
    max_surge_fixed              = length(local.zones)
    max_unavailable_fixed        = 0
  }

  lifecycle {
    precondition {
      condition     = length(local.zones) > 0
      error_message = "No zone of ${var.region} offers ${var.machine_type}."
    }
  }
}

resource "google_compute_region_health_check" "pool" {
  # checkov:skip=CKV_GCP_86: it would log a line for each check of each machine; whoever needs it can turn it on
  project             = var.project
  region              = var.region
  name                = var.name
  check_interval_sec  = 10
  timeout_sec         = 5
  healthy_threshold   = 2
  unhealthy_threshold = 3

  http_health_check {
    port         = var.port
    request_path = "/health"
  }
}

# Makes missing capacity visible: fewer machines running than planned.
resource "google_monitoring_alert_policy" "capacity" {
  count = var.machine_count > 0 ? 1 : 0

  project               = var.project
  display_name          = "${var.name}-capacity"
  combiner              = "OR"
  notification_channels = var.notification_channels
  user_labels           = local.labels

  documentation {
    content = "${var.name} has fewer machines running than the ${var.machine_count} planned."
  }

  conditions {
    display_name = "fewer machines than planned"

    condition_threshold {
      filter          = "resource.type = \"gce_instance\" AND metric.type = \"compute.googleapis.com/instance/uptime\" AND metadata.user_labels.melange-pool = \"${var.name}\""
      comparison      = "COMPARISON_LT"
      threshold_value = var.machine_count
      duration        = "600s"

      # When all machines are gone there is no data. Whether this fires for a pool that never had a
      # machine is not known.
      evaluation_missing_data = "EVALUATION_MISSING_DATA_ACTIVE"

      aggregations {
        alignment_period     = "60s"
        per_series_aligner   = "ALIGN_RATE"
        cross_series_reducer = "REDUCE_COUNT"
      }
    }
  }
}
