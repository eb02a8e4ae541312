output "profiles" {
  description = "Where each profile will be stored."
  value = {
    "A100-40GB" = module.profiler_a100_40gb_235712.profile
    "A100-80GB" = module.profiler_a100_80gb_bc16ed.profile
    "A10G"      = module.profiler_a10g_3aa1f6.profile
    "H100"      = module.profiler_h100_5321e7.profile
    "L4"        = module.profiler_l4_934f38.profile
  }
}

output "fetch" {
  description = "Commands that move the results into this folder."
  value = {
    "aws" = "aws s3 mv --recursive ${module.results_aws_all.bucket.results} ${local.folder}"
    "gcp" = "mkdir -p ${local.folder} && gcloud storage mv '${module.results_gcp_all.bucket.results}/*' ${local.folder}"
  }
}

output "usd_at_most" {
  description = "Most that the machines can cost, in US dollars, at the prices this was made with."
  value       = 25.61
}
