# What the machine may do. Nobody may reach it: no firewall rule lets anything in.

locals {
  # the full name, or "" where no secret is given
  secret_id = (
    var.hf_token_secret == "" || startswith(var.hf_token_secret, "projects/")
    ? var.hf_token_secret
    : "projects/${var.project}/secrets/${var.hf_token_secret}"
  )
}

resource "google_service_account" "machine" {
  project      = var.project
  account_id   = var.name
  display_name = "Profiling machine ${var.name}"
}

resource "google_secret_manager_secret_iam_member" "machine" {
  count = local.secret_id == "" ? 0 : 1

  secret_id = local.secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.machine.email}"
}

resource "google_storage_bucket_iam_member" "reads" {
  bucket = var.bucket.name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.machine.email}"
}

# It may not write the program, which other machines run.
resource "google_storage_bucket_iam_member" "writes" {
  bucket = var.bucket.name
  role   = "roles/storage.objectUser"
  member = "serviceAccount:${google_service_account.machine.email}"

  condition {
    title      = "results"
    expression = "resource.name.startsWith(\"projects/_/buckets/${var.bucket.name}/objects/profiles/\")"
  }
}

# It deletes itself when it is done: a machine that is only shut down keeps its disk, which costs.
resource "google_compute_instance_iam_member" "itself" {
  project       = var.project
  zone          = google_compute_instance.profiler.zone
  instance_name = google_compute_instance.profiler.name
  role          = "roles/compute.instanceAdmin.v1"
  member        = "serviceAccount:${google_service_account.machine.email}"
}
