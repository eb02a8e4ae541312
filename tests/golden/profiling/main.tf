# Written by melange-cloud 0.1.0: data and module calls. To change it, render again. Put your
# own additions into other files and into *.tfvars.

locals {
  name       = "chat-31e06f-profiling"
  model      = "meta-llama/Llama-2-7b-hf"
  folder     = "profiles/meta-llama/Llama-2-7b-hf"
  vllm_image = join("@", compact([var.vllm_image, var.vllm_image_digest]))
  given_tags = {
    "melange-service" = "chat"
  }
  tags = merge(local.given_tags, var.tags)
  given_labels = {
    "melange-service" = "chat"
  }
  labels = merge(local.given_labels, var.tags)
}

module "results_aws_all" {
  source = "./modules/aws-results"

  name    = local.name
  program = "${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64"
  tags    = local.tags
}

module "results_gcp_all" {
  source = "./modules/gcp-results"

  project = var.gcp_project
  region  = "us-central1"
  name    = local.name
  program = "${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64"
  labels  = local.labels
}

module "network_aws_us_east_1" {
  source = "./modules/aws-network"

  name              = local.name
  instance_types    = ["g5.xlarge", "p5.4xlarge"]
  vpc_id            = try(var.aws_networks["us-east-1"].vpc_id, "")
  subnet_ids        = try(var.aws_networks["us-east-1"].subnet_ids, [])
  public_subnet_ids = try(var.aws_networks["us-east-1"].public_subnet_ids, [])
  nat_addresses     = try(var.aws_networks["us-east-1"].nat_addresses, [])
  nat               = false
  tags              = local.tags
}

module "profiler_a10g_3aa1f6" {
  source = "./modules/aws-profiler"

  name              = "chat-g5-xlarge-13339f"
  instance_type     = "g5.xlarge"
  limit_minutes     = 88
  model             = local.model
  tensor_parallel   = 1
  max_model_len     = 4096
  vllm_image        = local.vllm_image
  vllm_args         = var.vllm_args
  volume_gib        = 140
  load_seconds      = 1080
  profile_name      = "A10G"
  profile_arguments = ["--gpu=A10G", "--tensor-parallel=1", "--max-minutes=60", "--tpot-ms=40"]
  bucket            = module.results_aws_all.bucket
  wheel             = "melange_cloud-0.1.0-py3-none-any.whl"
  program_sha256    = filesha256("${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64")
  hf_token_secret   = var.aws_hf_token_secret
  public_address    = !can(var.aws_networks["us-east-1"])
  vpc_id            = module.network_aws_us_east_1.vpc_id
  subnet_ids        = can(var.aws_networks["us-east-1"]) ? module.network_aws_us_east_1.private_subnet_ids : module.network_aws_us_east_1.public_subnet_ids
  ami               = lookup(var.aws_ami, "us-east-1", "")
  tags              = local.tags
}

module "profiler_h100_5321e7" {
  source = "./modules/aws-profiler"

  name              = "chat-p5-4xlarge-87c784"
  instance_type     = "p5.4xlarge"
  limit_minutes     = 88
  model             = local.model
  tensor_parallel   = 1
  max_model_len     = 4096
  vllm_image        = local.vllm_image
  vllm_args         = var.vllm_args
  volume_gib        = 140
  load_seconds      = 1080
  profile_name      = "H100"
  profile_arguments = ["--gpu=H100", "--tensor-parallel=1", "--max-minutes=60", "--tpot-ms=40"]
  bucket            = module.results_aws_all.bucket
  wheel             = "melange_cloud-0.1.0-py3-none-any.whl"
  program_sha256    = filesha256("${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64")
  hf_token_secret   = var.aws_hf_token_secret
  public_address    = !can(var.aws_networks["us-east-1"])
  vpc_id            = module.network_aws_us_east_1.vpc_id
  subnet_ids        = can(var.aws_networks["us-east-1"]) ? module.network_aws_us_east_1.private_subnet_ids : module.network_aws_us_east_1.public_subnet_ids
  ami               = lookup(var.aws_ami, "us-east-1", "")
  tags              = local.tags
}

module "network_gcp_us_central1" {
  source = "./modules/gcp-network"

  project       = var.gcp_project
  region        = "us-central1"
  name          = "${local.name}-us-central1"
  network       = try(var.gcp_networks["us-central1"].network, "")
  subnetwork    = try(var.gcp_networks["us-central1"].subnetwork, "")
  proxy_cidr    = try(var.gcp_networks["us-central1"].proxy_cidr, "10.129.0.0/23")
  nat_addresses = try(var.gcp_networks["us-central1"].nat_addresses, [])
  nat           = false
  labels        = local.labels
}

module "profiler_a100_40gb_235712" {
  source = "./modules/gcp-profiler"

  project           = var.gcp_project
  region            = "us-central1"
  name              = "chat-a2-highgpu-60c95d"
  machine_type      = "a2-highgpu-1g"
  limit_minutes     = 88
  model             = local.model
  tensor_parallel   = 1
  max_model_len     = 4096
  vllm_image        = local.vllm_image
  vllm_args         = var.vllm_args
  volume_gib        = 140
  load_seconds      = 1080
  profile_name      = "A100-40GB"
  profile_arguments = ["--gpu=A100-40GB", "--tensor-parallel=1", "--max-minutes=60", "--tpot-ms=40"]
  bucket            = module.results_gcp_all.bucket
  wheel             = "melange_cloud-0.1.0-py3-none-any.whl"
  program_sha256    = filesha256("${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64")
  hf_token_secret   = var.gcp_hf_token_secret
  zone              = lookup(var.gcp_zones, "A100-40GB", "")
  public_address    = !can(var.gcp_networks["us-central1"])
  network           = module.network_gcp_us_central1.network
  subnetwork        = module.network_gcp_us_central1.subnetwork
  labels            = local.labels
}

module "profiler_a100_80gb_bc16ed" {
  source = "./modules/gcp-profiler"

  project           = var.gcp_project
  region            = "us-central1"
  name              = "chat-a2-ultragp-29a631"
  machine_type      = "a2-ultragpu-1g"
  limit_minutes     = 88
  model             = local.model
  tensor_parallel   = 1
  max_model_len     = 4096
  vllm_image        = local.vllm_image
  vllm_args         = var.vllm_args
  volume_gib        = 140
  load_seconds      = 1080
  profile_name      = "A100-80GB"
  profile_arguments = ["--gpu=A100-80GB", "--tensor-parallel=1", "--max-minutes=60", "--tpot-ms=40"]
  bucket            = module.results_gcp_all.bucket
  wheel             = "melange_cloud-0.1.0-py3-none-any.whl"
  program_sha256    = filesha256("${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64")
  hf_token_secret   = var.gcp_hf_token_secret
  zone              = lookup(var.gcp_zones, "A100-80GB", "")
  public_address    = !can(var.gcp_networks["us-central1"])
  network           = module.network_gcp_us_central1.network
  subnetwork        = module.network_gcp_us_central1.subnetwork
  labels            = local.labels
}

module "profiler_l4_934f38" {
  source = "./modules/gcp-profiler"

  project           = var.gcp_project
  region            = "us-central1"
  name              = "chat-g2-standar-01e55e"
  machine_type      = "g2-standard-4"
  limit_minutes     = 88
  model             = local.model
  tensor_parallel   = 1
  max_model_len     = 4096
  vllm_image        = local.vllm_image
  vllm_args         = var.vllm_args
  volume_gib        = 140
  load_seconds      = 1080
  profile_name      = "L4"
  profile_arguments = ["--gpu=L4", "--tensor-parallel=1", "--max-minutes=60", "--tpot-ms=40"]
  bucket            = module.results_gcp_all.bucket
  wheel             = "melange_cloud-0.1.0-py3-none-any.whl"
  program_sha256    = filesha256("${path.module}/program/melange_cloud-0.1.0-py3-none-any.whl.base64")
  hf_token_secret   = var.gcp_hf_token_secret
  zone              = lookup(var.gcp_zones, "L4", "")
  public_address    = !can(var.gcp_networks["us-central1"])
  network           = module.network_gcp_us_central1.network
  subnetwork        = module.network_gcp_us_central1.subnetwork
  labels            = local.labels
}
