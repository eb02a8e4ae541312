# Written by melange-cloud 0.1.0: data and module calls. To change it, render again. Put your
# own additions into other files and into *.tfvars.

locals {
  name        = "large-mode-d33310"
  model       = "meta-llama/Llama-3.1-70B"
  plan_digest = "sha256:DIGEST"
  vllm_image  = join("@", compact([var.vllm_image, var.vllm_image_digest]))
  given_tags = {
    "melange-service" = "large-model"
  }
  tags = merge(local.given_tags, var.tags)
}

module "network_aws_us_east_1" {
  source = "./modules/aws-network"

  name              = local.name
  instance_types    = ["p4de.24xlarge"]
  vpc_id            = try(var.aws_networks["us-east-1"].vpc_id, "")
  subnet_ids        = try(var.aws_networks["us-east-1"].subnet_ids, [])
  public_subnet_ids = try(var.aws_networks["us-east-1"].public_subnet_ids, [])
  nat_addresses     = try(var.aws_networks["us-east-1"].nat_addresses, [])
  plan_digest       = local.plan_digest
  tags              = local.tags
}

module "balancer_aws_us_east_1" {
  source = "./modules/aws-balancer"

  name            = local.name
  vpc_id          = module.network_aws_us_east_1.vpc_id
  subnet_ids      = module.network_aws_us_east_1.private_subnet_ids
  internal        = true
  plan_digest     = local.plan_digest
  tags            = local.tags
  ports           = [var.certificate == "" ? 80 : 443]
  weighted_port   = var.certificate == "" ? 80 : 443
  certificate_arn = var.certificate
  client_cidrs    = length(var.allowed_cidrs) > 0 ? var.allowed_cidrs : [module.network_aws_us_east_1.vpc_cidr]
  weights = {
    "aws-us-east-1-p4de-24xlarge-tp8" = {
      "target_group_arn" = module.pool_aws_us_east_1_p4de_24xlarge_tp8.target_group_arn
      "weight"           = 999
    }
  }
}

module "pool_aws_us_east_1_p4de_24xlarge_tp8" {
  source = "./modules/aws-pool"

  name              = "large-mode-p4de-24xla-e81ad6"
  instance_type     = "p4de.24xlarge"
  machine_count     = 5
  spot              = false
  model             = local.model
  tensor_parallel   = 8
  data_parallel     = 1
  max_model_len     = 16100
  vllm_image        = local.vllm_image
  vllm_args         = concat(["--dtype=half", "--max-num-seqs=256"], var.vllm_args)
  volume_gib        = 270
  load_seconds      = 2340
  listener_port     = 15542
  volume_throughput = 250
  vpc_id            = module.network_aws_us_east_1.vpc_id
  subnet_ids        = module.network_aws_us_east_1.private_subnet_ids
  load_balancer     = module.balancer_aws_us_east_1.load_balancer
  listener          = false
  ami               = lookup(var.aws_ami, "us-east-1", "")
  alarm_actions     = lookup(var.aws_alarm_actions, "us-east-1", [])
  session_manager   = var.aws_session_manager
  hf_token_secret   = var.aws_hf_token_secret
  api_key_secret    = var.api_key_secret
  plan_digest       = local.plan_digest
  tags              = local.tags
}
