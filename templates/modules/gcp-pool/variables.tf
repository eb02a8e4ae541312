variable "name" {
  description = "Name of the pool, and prefix of the names of all that belongs to it."
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
  description = "Region of the pool."
  type        = string
}

variable "zones" {
  description = "Zones for the machines; empty for all of the region that offer the machine type."
  type        = list(string)
  default     = []
}

variable "machine_type" {
  description = "Machine type with its GPUs built in, such as g2-standard-8."
  type        = string

  validation {
    condition     = can(regex("^(a2|a3|a4|g2|g4)-[a-z0-9-]+$", var.machine_type))
    error_message = "The machine type must be of the A2, A3, A4, G2 or G4 series: the GPUs of other series are attached one by one."
  }
}

variable "machine_count" {
  description = "Number of machines."
  type        = number

  validation {
    condition     = var.machine_count >= 0 && floor(var.machine_count) == var.machine_count
    error_message = "The number of machines must be a whole number, 0 or more."
  }
}

variable "spot" {
  description = "Buy Spot VMs instead of on-demand machines."
  type        = bool
  default     = false
}

variable "network" {
  description = "Network of the machines."
  type        = string
}

variable "subnetwork" {
  description = "Subnet of the machines."
  type        = string
}

variable "proxy_cidr" {
  description = "Address range of the region's proxy-only subnet, from which the load balancer reaches the machines."
  type        = string
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
  description = "GPUs of one replica."
  type        = number
  default     = 1

  validation {
    condition     = var.tensor_parallel >= 1 && floor(var.tensor_parallel) == var.tensor_parallel
    error_message = "The tensor parallel degree must be a whole number, 1 or more."
  }
}

variable "data_parallel" {
  description = "Replicas of one machine; vLLM balances between them."
  type        = number
  default     = 1

  validation {
    condition     = var.data_parallel >= 1 && floor(var.data_parallel) == var.data_parallel
    error_message = "The data parallel degree must be a whole number, 1 or more."
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

variable "port" {
  description = "Port of the server on each machine."
  type        = number
  default     = 8000

  validation {
    condition     = var.port >= 1024 && var.port <= 65535
    error_message = "The port must be between 1024 and 65535."
  }
}

variable "hf_token_secret" {
  description = "Name, or projects/…/secrets/…, of the Secret Manager secret that holds a Hugging Face token; empty for open models. The machines read it at boot; it is never in state or metadata."
  type        = string
  default     = ""
}

variable "api_key_secret" {
  description = "Name, or projects/…/secrets/…, of the secret that holds the API key that vLLM checks; empty for none."
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
  description = "How long a machine may take from its start until the model answers, seconds. Until then it is not replaced for being unhealthy."
  type        = number
  default     = 1800

  validation {
    condition     = var.load_seconds >= 60 && var.load_seconds <= 3600
    error_message = "load_seconds must be between 60 and 3,600: Google Cloud allows no longer initial delay."
  }
}

variable "image" {
  description = "Image of the machines, with NVIDIA driver and container toolkit."
  type        = string
  default     = "projects/deeplearning-platform-release/global/images/family/common-cu129-ubuntu-2204-nvidia-580"
}

variable "listener" {
  description = "Whether the pool gets its own load balancer address; false where gcp-balancer splits requests by weight."
  type        = bool
  default     = true
}

variable "internal" {
  description = "Whether only the network can reach the pool; false for a gateway in another region or cloud, which needs `certificate` and `client_cidrs`."
  type        = bool
  default     = true
}

variable "certificate" {
  description = "Self link of a regional SSL certificate; empty for plain HTTP, which only an internal pool may use."
  type        = string
  default     = ""
}

variable "client_cidrs" {
  description = "Address ranges that may call a pool that is not internal."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.client_cidrs) <= 10
    error_message = "client_cidrs may have at most 10 ranges: one rule of Cloud Armor takes no more."
  }
}

variable "notification_channels" {
  description = "Monitoring channels notified when the pool has fewer machines than planned."
  type        = list(string)
  default     = []
}

variable "plan_digest" {
  description = "Digest of the plan, put into a label of everything that can change its labels without being replaced."
  type        = string
  default     = ""
}

variable "labels" {
  description = "Labels of everything that can have labels."
  type        = map(string)
  default     = {}
}
