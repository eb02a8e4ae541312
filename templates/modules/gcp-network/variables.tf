variable "name" {
  description = "Prefix of all names."
  type        = string
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the subnets."
  type        = string
}

variable "network" {
  description = "Self link of an existing network; empty to make one."
  type        = string
  default     = ""
}

variable "subnetwork" {
  description = "Self link of a subnet of the existing network with NAT and Private Google Access. The network must also have a proxy-only subnet in the region."
  type        = string
  default     = ""
}

variable "nat_addresses" {
  description = "Public addresses from which the existing network's machines reach the internet; needed only where another region or cloud must let them in."
  type        = list(string)
  default     = []
}

variable "nat" {
  description = "Whether the network that is made gets NAT, which machines without public addresses need to reach the internet."
  type        = bool
  default     = true
}

variable "cidr" {
  description = "Address range of the machines' subnet."
  type        = string
  default     = "10.128.0.0/20"
}

variable "proxy_cidr" {
  description = "Address range of the proxy-only subnet, from which load balancers reach the machines: the existing network's, or the one to make."
  type        = string
  default     = "10.129.0.0/23"
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}
