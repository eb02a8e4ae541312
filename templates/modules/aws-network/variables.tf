variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "instance_types" {
  description = "Instance types of the machines: subnets are made in every zone that offers any of them, and in the first two zones."
  type        = list(string)
}

variable "vpc_id" {
  description = "An existing VPC; empty to make one."
  type        = string
  default     = ""
}

variable "subnet_ids" {
  description = "Private subnets of the existing VPC with a way to the internet, in two zones or more."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.subnet_ids) != 1
    error_message = "A load balancer needs subnets in two zones: name at least two."
  }
}

variable "public_subnet_ids" {
  description = "Public subnets of the existing VPC; needed only where the internet must reach something."
  type        = list(string)
  default     = []
}

variable "nat_addresses" {
  description = "Public addresses from which the existing VPC's machines reach the internet; needed only where another region or cloud must let them in."
  type        = list(string)
  default     = []
}

variable "nat" {
  description = "Whether the network that is made gets NAT, which machines without public addresses need to reach the internet."
  type        = bool
  default     = true
}

variable "cidr" {
  description = "Address range of the VPC that is made: /16 to /20."
  type        = string
  default     = "10.64.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && tonumber(split("/", var.cidr)[1]) <= 20
    error_message = "The range must be an IPv4 CIDR of /20 or larger."
  }
}

variable "plan_digest" {
  description = "Digest of the plan, put into a tag."
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
