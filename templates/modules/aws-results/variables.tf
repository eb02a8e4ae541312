variable "name" {
  description = "Prefix of the bucket's name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{0,35}$", var.name))
    error_message = "The name must have at most 36 characters of a-z, 0-9 and -, and not begin with -."
  }
}

variable "program" {
  description = "File with melange-cloud's wheel in base64, which the machines install."
  type        = string
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
