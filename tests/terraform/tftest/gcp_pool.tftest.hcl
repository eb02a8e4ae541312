# Run in a copy of the module gcp-pool.

mock_provider "google" {
  mock_data "google_compute_zones" {
    defaults = { names = ["us-central1-a", "us-central1-b", "us-central1-f"] }
  }

  mock_data "google_compute_machine_types" {
    defaults = { machine_types = [{}] }
  }
}

variables {
  name            = "chat-g2"
  project         = "acme"
  region          = "us-central1"
  zones           = ["us-central1-a", "us-central1-b"]
  machine_type    = "g2-standard-24"
  machine_count   = 4
  model           = "meta-llama/Llama-3.1-8B"
  data_parallel   = 2
  port            = 8003
  hf_token_secret = "hf-token"
  network         = "net"
  subnetwork      = "sub"
  proxy_cidr      = "10.129.0.0/23"
  plan_digest     = "sha256:one"
}

run "machines_are_as_planned" {
  command = plan

  assert {
    condition     = google_compute_region_instance_group_manager.pool.target_size == 4
    error_message = "Four machines."
  }

  assert {
    condition     = google_compute_region_instance_template.pool.machine_type == "g2-standard-24" && length(google_compute_region_instance_template.pool.guest_accelerator) == 0
    error_message = "The machine type brings its GPUs."
  }

  assert {
    condition     = google_compute_region_instance_template.pool.scheduling[0].on_host_maintenance == "TERMINATE"
    error_message = "Machines with GPUs cannot be moved."
  }

  assert {
    condition     = length(google_compute_region_instance_template.pool.network_interface[0].access_config) == 0
    error_message = "No public address."
  }

  assert {
    condition     = google_compute_region_instance_group_manager.pool.update_policy[0].max_surge_fixed == 2 && google_compute_region_instance_group_manager.pool.update_policy[0].max_unavailable_fixed == 0
    error_message = "Updates keep the capacity: as many more as there are zones, none less."
  }

  assert {
    condition     = google_monitoring_alert_policy.capacity[0].conditions[0].condition_threshold[0].threshold_value == 4
    error_message = "The alert tells of fewer than four."
  }

  assert {
    condition     = !contains(keys(google_compute_region_instance_template.pool.labels), "melange-plan")
    error_message = "Another plan must not replace the machines."
  }
}

run "ports_and_health" {
  command = plan

  assert {
    condition     = google_compute_forwarding_rule.pool[0].port_range == "8003" && one(google_compute_region_instance_group_manager.pool.named_port).port == 8003
    error_message = "One port for address and server."
  }

  assert {
    condition     = google_compute_region_health_check.pool.http_health_check[0].request_path == "/health" && google_compute_region_health_check.pool.http_health_check[0].port == 8003
    error_message = "Health by vLLM."
  }

  assert {
    condition     = google_compute_region_backend_service.pool.locality_lb_policy == "LEAST_REQUEST" && google_compute_region_backend_service.pool.load_balancing_scheme == "INTERNAL_MANAGED" && google_compute_region_backend_service.pool.timeout_sec == 900
    error_message = "An internal balancer, to the least busy, that waits for long answers."
  }

  assert {
    condition     = google_compute_firewall.from_balancer.source_ranges == toset(["10.129.0.0/23", "35.191.0.0/16", "130.211.0.0/22"])
    error_message = "Nobody but the balancer and Google's checkers."
  }
}

run "startup_script_says_what_vllm_runs" {
  command = plan

  assert {
    condition = jsondecode(base64decode(regex("pool.json\" <<'END'\n([A-Za-z0-9+/=]+)\nEND", google_compute_region_instance_template.pool.metadata["startup-script"])[0])) == {
      cloud           = "gcp"
      region          = "us-central1"
      image           = "vllm/vllm-openai:v0.28.0-cu129"
      port            = 8003
      hf_token_secret = "projects/acme/secrets/hf-token"
      api_key_secret  = ""
      arguments = [
        "meta-llama/Llama-3.1-8B",
        "--tensor-parallel-size=1",
        "--data-parallel-size=2",
      ]
    }
    error_message = "The startup script must hold the pool's settings."
  }
}

run "the_account_reads_its_secret_alone" {
  command = plan

  assert {
    condition     = keys(google_secret_manager_secret_iam_member.machine) == ["projects/acme/secrets/hf-token"] && google_secret_manager_secret_iam_member.machine["projects/acme/secrets/hf-token"].role == "roles/secretmanager.secretAccessor"
    error_message = "One secret, to read."
  }
}

run "zones_that_sell_the_type" {
  command = plan

  variables {
    zones = []
  }

  override_data {
    target = data.google_compute_machine_types.sold["us-central1-f"]
    values = { machine_types = [] }
  }

  assert {
    condition     = google_compute_region_instance_group_manager.pool.distribution_policy_zones == toset(["us-central1-a", "us-central1-b"])
    error_message = "Not the zone that does not sell it."
  }
}

run "open_to_the_internet_only_with_tls_and_clients" {
  command = plan

  variables {
    internal = false
  }

  expect_failures = [google_compute_region_security_policy.clients]
}

run "open_to_the_gateway_alone" {
  command = plan

  variables {
    internal     = false
    certificate  = "projects/acme/regions/us-central1/sslCertificates/x"
    client_cidrs = ["203.0.113.7/32"]
  }

  assert {
    condition     = google_compute_forwarding_rule.pool[0].load_balancing_scheme == "EXTERNAL_MANAGED" && length(google_compute_region_target_https_proxy.pool) == 1
    error_message = "TLS, from outside."
  }

  assert {
    condition     = one([for rule in google_compute_region_security_policy.clients[0].rules : rule if rule.priority == 2147483647]).action == "deny(403)"
    error_message = "Everybody else is refused."
  }
}

run "gpus_attached_one_by_one" {
  command = plan

  variables {
    machine_type = "n1-standard-8"
  }

  expect_failures = [var.machine_type]
}
