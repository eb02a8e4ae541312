variable "vllm_image" {
  description = "Container image of vLLM, which every machine runs."
  type        = string
  default     = "vllm/vllm-openai:v0.28.0-cu129"
}

variable "vllm_image_digest" {
  description = "Digest of vllm_image (sha256:...), so that every machine runs exactly that image; README.md says how to look it up. Empty: whatever the tag names when a machine boots."
  type        = string
  default     = ""

  validation {
    condition     = var.vllm_image_digest == "" || can(regex("^sha256:[0-9a-f]{64}$", var.vllm_image_digest))
    error_message = "The digest must be empty or sha256: and 64 hexadecimal digits."
  }
}

variable "vllm_args" {
  description = "More arguments of `vllm serve` for every machine."
  type        = list(string)
  default     = []
}

variable "tags" {
  description = "More tags or labels for everything."
  type        = map(string)
  default     = {}
}

variable "aws_networks" {
  description = "VPCs to use instead of making one, by region."
  type = map(object({
    vpc_id            = string
    subnet_ids        = list(string)
    public_subnet_ids = optional(list(string), [])
    nat_addresses     = optional(list(string), [])
  }))
  default = {}
}

variable "aws_hf_token_secret" {
  description = "Secrets Manager secret (name or ARN) that holds a Hugging Face token; empty for open models."
  type        = string
  default     = ""
}

variable "aws_ami" {
  description = "Image of the machines, by region; where none is given, AWS's Deep Learning Base AMI."
  type        = map(string)
  default     = {}
}

variable "gcp_project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "gcp_networks" {
  description = "Networks to use instead of making one, by region."
  type = map(object({
    network       = string
    subnetwork    = string
    nat_addresses = optional(list(string), [])
  }))
  default = {}
}

variable "gcp_zones" {
  description = "Zone of a machine, by the profile that it makes; where none is given, the first of the region that offers the machine type. Set it when that zone has none left."
  type        = map(string)
  default     = {}
}

variable "gcp_hf_token_secret" {
  description = "Secret Manager secret that holds a Hugging Face token; empty for open models."
  type        = string
  default     = ""
}
