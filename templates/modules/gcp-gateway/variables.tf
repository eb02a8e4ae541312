variable "name" {
  description = "Name of the gateway, and prefix of the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,26}[a-z0-9]$", var.name))
    error_message = "The name must have 6 to 28 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the gateway."
  type        = string
}

variable "zones" {
  description = "Zones for the machines; empty for all of the region."
  type        = list(string)
  default     = []
}

variable "network" {
  description = "Network of the gateway."
  type        = string
}

variable "subnetwork" {
  description = "Subnet of the machines and of an internal endpoint, with Cloud NAT."
  type        = string
}

variable "public" {
  description = "Whether the internet may reach the endpoint, from `allowed_cidrs`; this needs `tls_secret`."
  type        = bool
  default     = false
}

variable "instance_type" {
  description = "Machine type with 4 GiB of memory or more."
  type        = string
  default     = "e2-medium"
}

variable "machine_count" {
  description = "Number of machines; two survive the loss of one."
  type        = number
  default     = 2

  validation {
    condition     = var.machine_count >= 1 && floor(var.machine_count) == var.machine_count
    error_message = "The number of machines must be a whole number, 1 or more."
  }
}

variable "files" {
  description = "File name -> text: haproxy.cfg and the maps, as melange-cloud makes them from a plan. They hold no addresses, so they are known before apply."
  type        = map(string)

  validation {
    condition     = contains(keys(var.files), "haproxy.cfg") && alltrue([for name in keys(var.files) : can(regex("^[a-z0-9_]+\\.(cfg|map)$", name))])
    error_message = "The files must include haproxy.cfg, and every name must look like weights.map."
  }
}

variable "backends" {
  description = "Pool id -> address and port of its load balancer and, where that speaks TLS, the host name of its certificate."
  type = map(object({
    address      = string
    port         = number
    tls_hostname = optional(string, "")
  }))

  validation {
    condition = alltrue([
      for id, backend in var.backends :
      can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", id)) && can(regex("^[A-Za-z0-9.-]+$", backend.address)) &&
      can(regex("^[A-Za-z0-9.-]*$", backend.tls_hostname)) &&
      backend.port > 0 && backend.port < 65536
    ])
    error_message = "Pool ids may have a-z, 0-9 and single hyphens; addresses must be host names or IPv4 addresses, and ports 1 to 65535."
  }
}

variable "api_key_secret" {
  description = "Name of the project's Secret Manager secret that lists the clients: one line `<SHA-256 of the key in hex> [client name]` for each. The machines read it every minute; it is never in state or metadata."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]+$", var.api_key_secret))
    error_message = "api_key_secret must be the short name of a secret of the project."
  }
}

variable "tls_secret" {
  description = "Name of the secret that holds the certificate, its chain and its private key in PEM; empty for plain HTTP inside the network."
  type        = string
  default     = ""
}

variable "allowed_cidrs" {
  description = "Address ranges that may call; empty for all private ones."
  type        = list(string)
  default     = []
}

variable "metrics_port" {
  description = "Port of Prometheus's metrics on each machine."
  type        = number
  default     = 8404
}

variable "metrics_cidrs" {
  description = "Address ranges that may read the metrics."
  type        = list(string)
  default     = []
}

variable "image" {
  description = "Image of the machines, Debian 12 with Google's command-line tools."
  type        = string
  default     = "projects/debian-cloud/global/images/family/debian-12"
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
