output "bucket" {
  description = "Its name, where the program lies in it, and where profiles and logs will."
  value = {
    name    = google_storage_bucket.results.name
    program = "gs://${google_storage_bucket.results.name}/${google_storage_bucket_object.program.name}"
    results = "gs://${google_storage_bucket.results.name}/profiles"
  }
}
