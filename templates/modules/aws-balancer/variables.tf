variable "name" {
  description = "Name of the load balancer."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 32 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets in two zones or more: private ones for an internal load balancer, public ones otherwise."
  type        = list(string)
}

variable "internal" {
  description = "Whether only the VPC can reach it; false for pools that a gateway in another region or cloud uses."
  type        = bool
  default     = true
}

variable "ports" {
  description = "Ports of its listeners."
  type        = set(number)
}

variable "client_cidrs" {
  description = "Address ranges that may connect."
  type        = list(string)
  default     = []
}

variable "client_security_groups" {
  description = "Security groups that may connect, such as the gateway's, under keys of your choice."
  type        = map(string)
  default     = {}
}

variable "weights" {
  description = "Target group and weight (0 to 999) of each pool; empty when the pools have their own listeners."
  type = map(object({
    target_group_arn = string
    weight           = number
  }))
  default = {}

  validation {
    condition     = length(var.weights) <= 5
    error_message = "A listener splits among at most 5 target groups; use the gateway for more pools."
  }

  validation {
    condition     = alltrue([for pool in values(var.weights) : pool.weight >= 0 && pool.weight <= 999])
    error_message = "A weight must be between 0 and 999."
  }
}

variable "weighted_port" {
  description = "Port of the listener that splits by weight."
  type        = number
  default     = 80
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate of the listener that splits by weight; empty for plain HTTP inside the VPC."
  type        = string
  default     = ""
}

variable "idle_seconds" {
  description = "How long a connection may be silent, seconds; it must be longer than the slowest answer takes."
  type        = number
  default     = 900
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
