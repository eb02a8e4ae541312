# One machine that measures what a model sustains on its GPUs, and then is deleted.

data "google_compute_zones" "all" {
  project = var.project
  region  = var.region
}

data "google_compute_machine_types" "sold" {
  for_each = toset(var.zone == "" ? data.google_compute_zones.all.names : [])

  project = var.project
  zone    = each.value
  filter  = "name = \"${var.machine_type}\""
}

locals {
  zones = var.zone != "" ? [var.zone] : sort([
    for zone, sold in data.google_compute_machine_types.sold : zone if length(sold.machine_types) > 0
  ])

  # series that boot from Hyperdisk only
  hyperdisk = can(regex("^(g4|a4|a3-ultragpu)-", var.machine_type))

  # in the form that the scripts of a pool's machine read
  server = {
    cloud           = "gcp"
    region          = var.region
    image           = var.vllm_image
    port            = 8000
    hf_token_secret = local.secret_id
    api_key_secret  = ""
    arguments = concat(
      [var.model, "--tensor-parallel-size=${var.tensor_parallel}"],
      var.max_model_len == null ? [] : ["--max-model-len=${var.max_model_len}"],
      var.vllm_args,
    )
  }

  profile = {
    cloud          = "gcp"
    machine        = var.name
    zone           = one(slice(local.zones, 0, min(1, length(local.zones))))
    name           = var.profile_name
    image          = var.vllm_image
    port           = 8000
    load_seconds   = var.load_seconds
    program        = var.bucket.program
    program_sha256 = var.program_sha256
    results        = var.bucket.results
    wheel          = var.wheel
    arguments      = var.profile_arguments
  }

  startup_script = join("", [
    templatefile("${path.module}/machine/profile-boot.sh.tftpl", {
      settings      = base64encode(jsonencode(local.profile))
      profile       = filebase64("${path.module}/machine/profile.sh")
      limit_minutes = var.limit_minutes + 5 # so Google deletes it first: a stopped machine would keep its disk
    }),
    templatefile("${path.module}/machine/boot.sh.tftpl", {
      settings = base64encode(jsonencode(local.server))
      serve    = filebase64("${path.module}/machine/serve.sh")
    }),
  ])
}

resource "google_compute_instance" "profiler" {
  # checkov:skip=CKV_GCP_40: it needs a public address as there is no NAT, which would still cost after the machine has ended; nothing is let in
  # checkov:skip=CKV_GCP_38: Google encrypts the disk; it holds a public model for an hour
  project      = var.project
  zone         = local.profile.zone
  name         = var.name
  machine_type = var.machine_type
  labels       = var.labels

  metadata = {
    block-project-ssh-keys = "true"
    enable-oslogin         = "TRUE"
    startup-script         = local.startup_script
  }

  boot_disk {
    auto_delete = true

    initialize_params {
      image  = var.image
      size   = var.volume_gib
      type   = local.hyperdisk ? "hyperdisk-balanced" : "pd-balanced"
      labels = var.labels
    }
  }

  network_interface {
    network    = var.network
    subnetwork = var.subnetwork

    dynamic "access_config" {
      for_each = var.public_address ? ["ephemeral"] : []

      content {}
    }
  }

  # the hard limit, kept by Google Cloud whatever the machine does
  scheduling {
    on_host_maintenance         = "TERMINATE"
    automatic_restart           = false
    provisioning_model          = "STANDARD"
    instance_termination_action = "DELETE"

    max_run_duration {
      seconds = var.limit_minutes * 60
    }
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
    # machine types with built-in local disks come with them, for which the provider would replace the machine
    ignore_changes = [scratch_disk]

    precondition {
      condition     = length(local.zones) > 0
      error_message = "No zone of ${var.region} offers ${var.machine_type}."
    }
  }

  depends_on = [google_storage_bucket_iam_member.reads, google_storage_bucket_iam_member.writes, google_secret_manager_secret_iam_member.machine]
}
