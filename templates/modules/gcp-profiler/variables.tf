variable "name" {
  description = "Name of the machine, and prefix of the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,26}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 28 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
}

variable "region" {
  description = "Region of the machine."
  type        = string
}

variable "zone" {
  description = "Zone of the machine; empty for the first of the region that offers the machine type."
  type        = string
  default     = ""
}

variable "machine_type" {
  description = "Machine type with its GPUs built in, such as g2-standard-8."
  type        = string

  validation {
    condition     = can(regex("^(a2|a3|a4|g2|g4)-[a-z0-9-]+$", var.machine_type))
    error_message = "The machine type must be of the A2, A3, A4, G2 or G4 series: the GPUs of other series are attached one by one."
  }
}

variable "network" {
  description = "Network of the machine."
  type        = string
}

variable "subnetwork" {
  description = "Subnet of the machine, with a way to the internet."
  type        = string
}

variable "public_address" {
  description = "Whether the machine gets a public address, which it needs to reach the internet where there is no NAT."
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
  description = "Where the program and the results are stored: the output of the module gcp-results."
  type = object({
    name    = string
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
  description = "Name, or projects/…/secrets/…, of the Secret Manager secret that holds a Hugging Face token; empty for open models. The machine reads it at boot; it is never in state or metadata."
  type        = string
  default     = ""
}

variable "volume_gib" {
  description = "Size of the boot disk, GiB: system, container image and model weights."
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

  validation {
    condition     = var.load_seconds >= 60 && var.load_seconds <= 3600
    error_message = "load_seconds must be between 60 and 3,600: Google Cloud allows no longer initial delay."
  }
}

variable "image" {
  description = "Image of the machine, with NVIDIA driver and container toolkit."
  type        = string
  default     = "projects/deeplearning-platform-release/global/images/family/common-cu129-ubuntu-2204-nvidia-580"
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}
