output "load_balancer" {
  description = "What a pool needs to add its listener."
  value = {
    arn               = aws_lb.main.arn
    dns_name          = aws_lb.main.dns_name
    security_group_id = aws_security_group.balancer.id
  }
}

output "endpoint" {
  description = "URL of the listener that splits by weight; empty without one."
  value = length(var.weights) == 0 ? "" : format(
    "%s://%s:%d", var.certificate_arn == "" ? "http" : "https", aws_lb.main.dns_name, var.weighted_port
  )
}

output "weights" {
  description = "Weight of each pool."
  value       = { for pool, target in var.weights : pool => target.weight }
}
