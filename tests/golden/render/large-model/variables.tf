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

variable "allowed_cidrs" {
  description = "Address ranges that may call the endpoint; empty for the VPC's own."
  type        = list(string)
  default     = []
}

variable "api_key_secret" {
  description = "Secret that holds the API key that the servers check; empty for none."
  type        = string
  default     = ""
}

variable "tags" {
  description = "More tags or labels for everything."
  type        = map(string)
  default     = {}
}

variable "certificate" {
  description = "Certificate of the endpoint (ACM ARN); empty for plain HTTP inside the network."
  type        = string
  default     = ""
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

variable "aws_alarm_actions" {
  description = "ARNs notified when a pool has fewer machines than planned, by region, such as SNS topics."
  type        = map(list(string))
  default     = {}
}

variable "aws_session_manager" {
  description = "Allow shells on the pools' machines through Session Manager."
  type        = bool
  default     = false
}
