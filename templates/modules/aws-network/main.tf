# A VPC with private subnets in the zones that offer the machines, and NAT. When a VPC is given,
# nothing is made.

data "aws_availability_zones" "all" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"] # no local or wavelength zones
  }
}

data "aws_ec2_instance_type_offerings" "sold" {
  for_each = toset(data.aws_availability_zones.all.names)

  location_type = "availability-zone"

  filter {
    name   = "instance-type"
    values = var.instance_types
  }

  filter {
    name   = "location"
    values = [each.value]
  }
}

data "aws_vpc" "given" {
  count = var.vpc_id == "" ? 0 : 1

  id = var.vpc_id
}

locals {
  make = var.vpc_id == ""
  nat  = local.make && var.nat

  # A zone's letter decides its address range, so that it keeps the range when other zones come.
  lettered = [for zone in sort(data.aws_availability_zones.all.names) : zone if can(regex("^[a-z-]+-[0-9]+[a-g]$", zone))]

  # The first two zones always (load balancers need two, NAT needs one, and none may go when another
  # comes), and every zone that offers any of the instance types.
  zones = local.make ? [
    for index, zone in local.lettered : zone
    if index < 2 || length(data.aws_ec2_instance_type_offerings.sold[zone].instance_types) > 0
  ] : []

  number = { for zone in local.zones : zone => index(["a", "b", "c", "d", "e", "f", "g"], substr(zone, -1, 1)) }

  tags = merge(var.tags, var.plan_digest == "" ? {} : { "melange-plan" = var.plan_digest })
}

resource "aws_vpc" "main" {
  # checkov:skip=CKV2_AWS_11: flow logs cost by traffic and belong to the account's policy, not to one service
  # checkov:skip=CKV2_AWS_12: nothing uses the default security group; changing it would need a right this module does not ask for
  count = local.make ? 1 : 0

  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = merge(local.tags, { Name = var.name })
}

resource "aws_subnet" "private" {
  for_each = local.number

  vpc_id                  = aws_vpc.main[0].id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(var.cidr, 3, each.value + 1)
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-private-${each.key}" })
}

# For the NAT gateway and for load balancers that the internet may reach. All of them are in the
# first eighth of the VPC's range.
resource "aws_subnet" "public" {
  for_each = local.number

  vpc_id                  = aws_vpc.main[0].id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(cidrsubnet(var.cidr, 3, 0), 3, each.value)
  map_public_ip_on_launch = false
  tags                    = merge(local.tags, { Name = "${var.name}-public-${each.key}" })
}

resource "aws_internet_gateway" "main" {
  count = local.make ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = merge(local.tags, { Name = var.name })
}

# One NAT gateway for all zones is enough: machines need it to fetch image and model, not to serve.
resource "aws_eip" "nat" {
  # checkov:skip=CKV2_AWS_19: the address belongs to the NAT gateway below
  count = local.nat ? 1 : 0

  tags = merge(local.tags, { Name = "${var.name}-nat" })
}

resource "aws_nat_gateway" "main" {
  count = local.nat ? 1 : 0

  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[local.zones[0]].id
  tags          = merge(local.tags, { Name = var.name })

  depends_on = [aws_internet_gateway.main]
}

resource "aws_route_table" "public" {
  count = local.make ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = merge(local.tags, { Name = "${var.name}-public" })
}

resource "aws_route" "public" {
  count = local.make ? 1 : 0

  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.main[0].id
}

resource "aws_route_table_association" "public" {
  for_each = aws_subnet.public

  route_table_id = aws_route_table.public[0].id
  subnet_id      = each.value.id
}

resource "aws_route_table" "private" {
  count = local.make ? 1 : 0

  vpc_id = aws_vpc.main[0].id
  tags   = merge(local.tags, { Name = "${var.name}-private" })
}

resource "aws_route" "private" {
  count = local.nat ? 1 : 0

  route_table_id         = aws_route_table.private[0].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.main[0].id
}

resource "aws_route_table_association" "private" {
  for_each = aws_subnet.private

  route_table_id = aws_route_table.private[0].id
  subnet_id      = each.value.id
}

# With this endpoint, which is free, traffic to S3 (packages, image layers of ECR) does not pay for NAT.
data "aws_region" "current" {}

resource "aws_vpc_endpoint" "s3" {
  count = local.make ? 1 : 0

  vpc_id            = aws_vpc.main[0].id
  service_name      = "com.amazonaws.${data.aws_region.current.id}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private[0].id]
  tags              = merge(local.tags, { Name = "${var.name}-s3" })
}
