# Run in a copy of the module gcp-balancer.

mock_provider "google" {}

variables {
  name       = "chat"
  project    = "acme"
  region     = "us-central1"
  network    = "net"
  subnetwork = "sub"
  weights = {
    a = { backend_service = "projects/acme/regions/us-central1/backendServices/a", weight = 999 }
    b = { backend_service = "projects/acme/regions/us-central1/backendServices/b", weight = 111 }
  }
}

run "weights" {
  command = plan

  assert {
    condition     = [for target in google_compute_region_url_map.weighted.default_route_action[0].weighted_backend_services : target.weight] == [999, 111]
    error_message = "Each pool's weight."
  }

  assert {
    condition     = google_compute_forwarding_rule.weighted.load_balancing_scheme == "INTERNAL_MANAGED"
    error_message = "Inside the network only."
  }
}
