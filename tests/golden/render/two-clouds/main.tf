# Written by melange-cloud 0.1.0: data and module calls. To change it, render again. Put your
# own additions into other files and into *.tfvars.

locals {
  name        = "two-clouds-8201c8"
  model       = "meta-llama/Llama-3.1-8B"
  plan_digest = "sha256:DIGEST"
  vllm_image  = join("@", compact([var.vllm_image, var.vllm_image_digest]))
  given_tags = {
    "melange-service" = "two-clouds"
  }
  tags = merge(local.given_tags, var.tags)
  given_labels = {
    "melange-service" = "two-clouds"
  }
  labels = merge(local.given_labels, var.tags)
}

module "network_aws_us_east_1" {
  source = "./modules/aws-network"

  name              = local.name
  instance_types    = ["g5.xlarge", "p5.4xlarge"]
  vpc_id            = try(var.aws_networks["us-east-1"].vpc_id, "")
  subnet_ids        = try(var.aws_networks["us-east-1"].subnet_ids, [])
  public_subnet_ids = try(var.aws_networks["us-east-1"].public_subnet_ids, [])
  nat_addresses     = try(var.aws_networks["us-east-1"].nat_addresses, [])
  plan_digest       = local.plan_digest
  tags              = local.tags
}

module "balancer_aws_us_east_1" {
  source = "./modules/aws-balancer"

  name        = local.name
  vpc_id      = module.network_aws_us_east_1.vpc_id
  subnet_ids  = module.network_aws_us_east_1.private_subnet_ids
  internal    = true
  plan_digest = local.plan_digest
  tags        = local.tags
  ports       = [15796, 26267]
  client_security_groups = {
    "gateway" = module.gateway.security_group_id
  }
}

module "pool_aws_us_east_1_g5_xlarge_tp1" {
  source = "./modules/aws-pool"

  name              = "two-clouds-g5-xlarge-2d1e23"
  instance_type     = "g5.xlarge"
  machine_count     = 5
  spot              = false
  model             = local.model
  tensor_parallel   = 1
  data_parallel     = 1
  max_model_len     = 16100
  vllm_image        = local.vllm_image
  vllm_args         = concat(["--dtype=half", "--max-num-seqs=256"], var.vllm_args)
  volume_gib        = 140
  load_seconds      = 1080
  listener_port     = 15796
  volume_throughput = 250
  vpc_id            = module.network_aws_us_east_1.vpc_id
  subnet_ids        = module.network_aws_us_east_1.private_subnet_ids
  load_balancer     = module.balancer_aws_us_east_1.load_balancer
  listener          = true
  ami               = lookup(var.aws_ami, "us-east-1", "")
  alarm_actions     = lookup(var.aws_alarm_actions, "us-east-1", [])
  session_manager   = var.aws_session_manager
  hf_token_secret   = var.aws_hf_token_secret
  plan_digest       = local.plan_digest
  tags              = local.tags
}

module "pool_aws_us_east_1_p5_4xlarge_tp1" {
  source = "./modules/aws-pool"

  name              = "two-clouds-p5-4xlarge-e52c9a"
  instance_type     = "p5.4xlarge"
  machine_count     = 1
  spot              = false
  model             = local.model
  tensor_parallel   = 1
  data_parallel     = 1
  max_model_len     = 16100
  vllm_image        = local.vllm_image
  vllm_args         = concat(["--dtype=half", "--max-num-seqs=256"], var.vllm_args)
  volume_gib        = 140
  load_seconds      = 1080
  listener_port     = 26267
  volume_throughput = 250
  vpc_id            = module.network_aws_us_east_1.vpc_id
  subnet_ids        = module.network_aws_us_east_1.private_subnet_ids
  load_balancer     = module.balancer_aws_us_east_1.load_balancer
  listener          = true
  ami               = lookup(var.aws_ami, "us-east-1", "")
  alarm_actions     = lookup(var.aws_alarm_actions, "us-east-1", [])
  session_manager   = var.aws_session_manager
  hf_token_secret   = var.aws_hf_token_secret
  plan_digest       = local.plan_digest
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
  labels        = local.labels
}

module "pool_gcp_us_central1_a2_highgpu_1g_tp1" {
  source = "./modules/gcp-pool"

  project               = var.gcp_project
  region                = "us-central1"
  name                  = "two-clouds-a2-highgpu-0d71f7"
  machine_type          = "a2-highgpu-1g"
  machine_count         = 1
  spot                  = false
  model                 = local.model
  tensor_parallel       = 1
  data_parallel         = 1
  max_model_len         = 16100
  vllm_image            = local.vllm_image
  vllm_args             = concat(["--dtype=half", "--max-num-seqs=256"], var.vllm_args)
  volume_gib            = 140
  load_seconds          = 1080
  network               = module.network_gcp_us_central1.network
  subnetwork            = module.network_gcp_us_central1.subnetwork
  proxy_cidr            = module.network_gcp_us_central1.proxy_cidr
  listener              = true
  notification_channels = var.gcp_notification_channels
  hf_token_secret       = var.gcp_hf_token_secret
  plan_digest           = local.plan_digest
  labels                = local.labels
  internal              = false
  certificate           = var.remote_sites["gcp/us-central1"].certificate
  client_cidrs          = [for address in module.network_aws_us_east_1.nat_addresses : "${address}/32"]
}

module "gateway" {
  source = "./modules/aws-gateway"

  name           = "${local.name}-gateway"
  instance_type  = "t3.medium"
  machine_count  = 2
  public         = var.public
  allowed_cidrs  = var.allowed_cidrs
  metrics_cidrs  = var.metrics_cidrs
  api_key_secret = var.api_key_secret
  tls_secret     = var.tls_secret
  files = {
    "haproxy.cfg"     = file("${path.module}/gateway/haproxy.cfg")
    "input.map"       = file("${path.module}/gateway/input.map")
    "mean_output.map" = file("${path.module}/gateway/mean_output.map")
    "output.map"      = file("${path.module}/gateway/output.map")
    "weights.map"     = file("${path.module}/gateway/weights.map")
  }
  backends = {
    "aws-us-east-1-g5-xlarge-tp1" = {
      "address"      = module.pool_aws_us_east_1_g5_xlarge_tp1.address
      "port"         = module.pool_aws_us_east_1_g5_xlarge_tp1.port
      "tls_hostname" = ""
    }
    "aws-us-east-1-p5-4xlarge-tp1" = {
      "address"      = module.pool_aws_us_east_1_p5_4xlarge_tp1.address
      "port"         = module.pool_aws_us_east_1_p5_4xlarge_tp1.port
      "tls_hostname" = ""
    }
    "gcp-us-central1-a2-highgpu-1g-tp1" = {
      "address"      = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.address
      "port"         = module.pool_gcp_us_central1_a2_highgpu_1g_tp1.port
      "tls_hostname" = var.remote_sites["gcp/us-central1"].hostname
    }
  }
  plan_digest         = local.plan_digest
  tags                = local.tags
  vpc_id              = module.network_aws_us_east_1.vpc_id
  subnet_ids          = module.network_aws_us_east_1.private_subnet_ids
  endpoint_subnet_ids = var.public ? module.network_aws_us_east_1.public_subnet_ids : module.network_aws_us_east_1.private_subnet_ids
  alarm_actions       = lookup(var.aws_alarm_actions, "us-east-1", [])
  session_manager     = var.aws_session_manager
}
