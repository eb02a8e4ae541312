# The bucket that profiles are stored in, and the program that makes them.

data "google_project" "this" {
  project_id = var.project
}

resource "google_storage_bucket" "results" {
  # checkov:skip=CKV_GCP_62: no access log: the results are throughputs, and are fetched within days
  # checkov:skip=CKV_GCP_78: no versions: a profile is only ever added to, and is fetched within days
  project = var.project
  # bucket names are shared by all projects of the world; the project's number makes this one unique
  name                        = "${var.name}-${data.google_project.this.number}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  labels                      = var.labels
}

resource "google_storage_bucket_object" "program" {
  bucket = google_storage_bucket.results.name
  name   = "program/${basename(var.program)}"
  source = var.program
}
