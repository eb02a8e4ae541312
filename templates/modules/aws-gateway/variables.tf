variable "name" {
  description = "Name of the gateway, and prefix of the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,26}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 28 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "vpc_id" {
  description = "VPC of the gateway."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for the machines, in two zones or more."
  type        = list(string)
}

variable "endpoint_subnet_ids" {
  description = "Subnets for the load balancer: public ones when `public`, otherwise private ones."
  type        = list(string)
}

variable "public" {
  description = "Whether the internet may reach the endpoint, from `allowed_cidrs`; this needs `tls_secret`."
  type        = bool
  default     = false
}

variable "instance_type" {
  description = "EC2 instance type (x86) with 4 GiB of memory or more."
  type        = string
  default     = "t3.medium"
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
  description = "Name or ARN of the Secrets Manager secret that lists the clients: one line `<SHA-256 of the key in hex> [client name]` for each. The machines read it every minute; it is never in state or user data."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9/_+=.@:-]+$", var.api_key_secret))
    error_message = "api_key_secret must be the name or ARN of a secret."
  }
}

variable "tls_secret" {
  description = "Name or ARN of the secret that holds the certificate, its chain and its private key in PEM; empty for plain HTTP inside the VPC."
  type        = string
  default     = ""
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key of the secrets, when they are not encrypted with the account's default key."
  type        = string
  default     = ""
}

variable "allowed_cidrs" {
  description = "Address ranges that may call, in addition to the VPC's own."
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
  description = "Image of the machines, Debian 12; empty for the newest official one."
  type        = string
  default     = ""
}

variable "image_parameter" {
  description = "SSM parameter that names the newest image."
  type        = string
  default     = "/aws/service/debian/release/12/latest/amd64"
}

variable "session_manager" {
  description = "Whether the machines' role allows Session Manager. Debian's image has no agent for it, so a shell opens only with an `image` that has one."
  type        = bool
  default     = false
}

variable "alarm_actions" {
  description = "ARNs notified when there are fewer machines than planned, such as an SNS topic."
  type        = list(string)
  default     = []
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
