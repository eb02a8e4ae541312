output "vpc_id" {
  description = "The VPC, made or given."
  value       = local.make ? aws_vpc.main[0].id : var.vpc_id
}

output "vpc_cidr" {
  description = "Address range of the VPC."
  value       = local.make ? var.cidr : data.aws_vpc.given[0].cidr_block
}

output "private_subnet_ids" {
  description = "Subnets for machines and internal load balancers."
  value       = local.make ? [for zone in local.zones : aws_subnet.private[zone].id] : var.subnet_ids
}

output "public_subnet_ids" {
  description = "Subnets for load balancers that the internet may reach."
  value       = local.make ? [for zone in local.zones : aws_subnet.public[zone].id] : var.public_subnet_ids
}

output "zones" {
  description = "Zones of the subnets that were made."
  value       = local.zones
}

output "nat_addresses" {
  description = "Public addresses from which the machines reach the internet."
  value       = local.make ? aws_eip.nat[*].public_ip : var.nat_addresses
}
