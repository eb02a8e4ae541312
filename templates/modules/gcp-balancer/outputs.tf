output "endpoint" {
  description = "URL under which the pools answer."
  value = format(
    "%s://%s:%d", local.tls ? "https" : "http", google_compute_forwarding_rule.weighted.ip_address, var.port
  )
}

output "weights" {
  description = "Weight of each pool."
  value       = { for pool, target in var.weights : pool => target.weight }
}
