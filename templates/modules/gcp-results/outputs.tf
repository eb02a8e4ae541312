output "bucket" {
  description = "Name of the bucket, the address of the program in it, and the address under which profiles and logs are stored."
  value = {
    name    = google_storage_bucket.results.name
    program = "gs://${google_storage_bucket.results.name}/${google_storage_bucket_object.program.name}"
    results = "gs://${google_storage_bucket.results.name}/profiles"
  }
}
