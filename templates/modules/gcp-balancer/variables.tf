variable "name" {
  description = "Name of the load balancer."
  type        = string
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the pools."
  type        = string
}

variable "network" {
  description = "Network of the pools."
  type        = string
}

variable "subnetwork" {
  description = "Subnet in which the load balancer gets its address."
  type        = string
}

variable "weights" {
  description = "Backend service and weight (0 to 1000) of each pool."
  type = map(object({
    backend_service = string
    weight          = number
  }))

  validation {
    condition     = length(var.weights) > 0 && alltrue([for pool in values(var.weights) : pool.weight >= 0 && pool.weight <= 1000])
    error_message = "weights must name one pool or more, each with a weight between 0 and 1000."
  }
}

variable "certificate" {
  description = "Self link of a regional SSL certificate; empty for plain HTTP inside the network."
  type        = string
  default     = ""
}

variable "port" {
  description = "Port of the endpoint."
  type        = number
  default     = 80
}

variable "plan_digest" {
  description = "Digest of the plan, put into a label."
  type        = string
  default     = ""
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}
