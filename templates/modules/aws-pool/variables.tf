variable "name" {
  description = "Name of the pool, and prefix of the names of all that belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,26}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 28 characters of a-z, 0-9 and -, begin with a letter and not end with -."
  }
}

variable "instance_type" {
  description = "EC2 instance type of every machine, such as g5.xlarge."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9-]+$", var.instance_type))
    error_message = "The instance type must look like g5.xlarge."
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
  description = "Buy spot instances instead of on-demand ones."
  type        = bool
  default     = false
}

variable "vpc_id" {
  description = "VPC of the machines."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets for the machines; those in zones that do not offer the instance type are left out."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must name at least one subnet."
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

variable "listener_port" {
  description = "Port of the pool's listener, which no other pool of the load balancer may use; null for `port`."
  type        = number
  default     = null
}

variable "hf_token_secret" {
  description = "Name or ARN of the Secrets Manager secret that holds a Hugging Face token; empty for open models. The machines read it at boot; it is never in state or user data."
  type        = string
  default     = ""
}

variable "api_key_secret" {
  description = "Name or ARN of the secret that holds the API key that vLLM checks; empty for none."
  type        = string
  default     = ""
}

variable "secrets_kms_key_arn" {
  description = "ARN of the KMS key of the secrets, when they are not encrypted with the account's default key."
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

variable "volume_throughput" {
  description = "Throughput of the root volume, MiB/s: how fast weights are written and read. Above 125 it costs extra."
  type        = number
  default     = 250

  validation {
    condition     = var.volume_throughput >= 125 && var.volume_throughput <= 750
    error_message = "The throughput must be between 125 and 750 MiB/s, which gp3 allows with its 3,000 included operations per second."
  }
}

variable "load_seconds" {
  description = "How long a machine may take from its start until the model answers, seconds. Until then it is not replaced for being unhealthy."
  type        = number
  default     = 1800
}

variable "ami" {
  description = "Image of the machines, with NVIDIA driver and docker; empty for the one that `ami_parameter` names."
  type        = string
  default     = ""
}

variable "ami_parameter" {
  description = "SSM parameter that holds the image id: AWS's Deep Learning Base AMI with the open NVIDIA driver. When AWS publishes a new image, the next apply replaces the machines one by one; set `ami` to choose when."
  type        = string
  default     = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
}

variable "load_balancer" {
  description = "Load balancer whose listener on `listener_port` leads to this pool: the output of the module aws-balancer."
  type = object({
    arn               = string
    dns_name          = string
    security_group_id = string
  })
}

variable "listener" {
  description = "Whether the pool gets its own listener; false where the balancer splits requests by weight."
  type        = bool
  default     = true
}

variable "certificate_arn" {
  description = "ARN of the ACM certificate of the listener; empty for plain HTTP, which only a balancer inside the VPC may use."
  type        = string
  default     = ""
}

variable "session_manager" {
  description = "Allow shells on the machines through Session Manager."
  type        = bool
  default     = false
}

variable "alarm_actions" {
  description = "ARNs notified when the pool has fewer machines than planned, such as an SNS topic."
  type        = list(string)
  default     = []
}

variable "plan_digest" {
  description = "Digest of the plan, put into a tag of everything except the machines, which would otherwise be replaced with every plan."
  type        = string
  default     = ""
}

variable "tags" {
  description = "Tags of everything."
  type        = map(string)
  default     = {}
}
