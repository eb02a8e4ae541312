variable "name" {
  description = "Name of the machine, and prefix of the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,26}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 28 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "instance_type" {
  description = "EC2 instance type of the machine, such as g5.xlarge."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "The instance type must look like g5.xlarge."
  }
}

variable "vpc_id" {
  description = "VPC of the machine."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the machine, with a way to the internet; those in zones that do not offer the instance type are left out."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
  }
}

variable "public_address" {
  description = "Whether the machine gets a public address, which it needs to reach the internet from a public subnet."
  type        = bool
  default     = false
}

variable "limit_minutes" {
  description = "How many minutes after apply the cloud ends the machine. The machine ends itself as soon as it is done."
  type        = number

  validation {
    condition     = var.limit_minutes >= 10 && floor(var.limit_minutes) == var.limit_minutes
    error_message = "The limit must be a whole number of minutes, 10 or more."
  }
}

variable "model" {
  description = "Hugging Face id of the model, or a path in the container."
  type        = string

  validation {
    condition     = length(var.model) > 0 && !startswith(var.model, "-")
    error_message = "The model must not be empty or begin with -."
  }
}

variable "tensor_parallel" {
  description = "GPUs that share the model."
  type        = number
  default     = 1

  validation {
    condition     = var.tensor_parallel >= 1 && floor(var.tensor_parallel) == var.tensor_parallel
    error_message = "The tensor parallel degree must be a whole number, 1 or more."
  }
}

variable "max_model_len" {
  description = "Longest request in tokens, prompt and answer together; null for the model's own."
  type        = number
  default     = null
}

variable "vllm_image" {
  description = "Container image of vLLM. The default's CUDA 12.9 runs on drivers from 550 on."
  type        = string
  default     = "vllm/vllm-openai:v0.28.0-cu129"
}

variable "vllm_args" {
  description = "More arguments of `vllm serve`, such as [\"--dtype=half\"]."
  type        = list(string)
  default     = []
}

variable "profile_name" {
  description = "Name of the profile's file, without its ending: GPU type and tensor parallel degree."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.profile_name))
    error_message = "The profile's name must be usable as a file name."
  }
}

variable "profile_arguments" {
  description = "Arguments of `melange-cloud profile run`, without --url and --out."
  type        = list(string)
}

variable "bucket" {
  description = "Where the program and the results are stored: the output of the module aws-results."
  type = object({
    name    = string
    region  = string
    program = string
    results = string
  })
}

variable "wheel" {
  description = "File name of melange-cloud's wheel, which is stored in base64 at the bucket's `program`."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._+-]*[.]whl$", var.wheel))
    error_message = "wheel must be the file name of a wheel, ending in .whl."
  }
}

variable "program_sha256" {
  description = "SHA-256 of the bucket's `program`, in hexadecimal digits; the machine runs no other."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{64}$", var.program_sha256))
    error_message = "program_sha256 must be 64 hexadecimal digits."
  }
}

variable "hf_token_secret" {
  description = "Name or ARN of the Secrets Manager secret that holds a Hugging Face token; empty for open models. The machine reads it at boot; it is never in state or user data."
  type        = string
  default     = ""
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key of the secret, when it is not encrypted with the account's default key."
  type        = string
  default     = ""
}

variable "volume_gib" {
  description = "Size of the root volume, GiB: system, container image and model weights."
  type        = number
  default     = 200

  validation {
    condition     = var.volume_gib >= 100
    error_message = "The size must be 100 GiB or more: the system and the container image alone take some 80 GiB."
  }
}

variable "load_seconds" {
  description = "How long the machine may take until the model answers, seconds. After that it ends."
  type        = number
  default     = 1800
}

variable "ami" {
  description = "Image of the machine, with NVIDIA driver and docker; empty for the one that `ami_parameter` names."
  type        = string
  default     = ""
}

variable "ami_parameter" {
  description = "SSM parameter that holds the image id: AWS's Deep Learning Base AMI with the open NVIDIA driver."
  type        = string
  default     = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
