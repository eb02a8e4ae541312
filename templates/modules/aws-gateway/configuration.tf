# HAProxy's configuration, which every machine fetches each minute. It is in parameters rather than
# in a bucket, because their resource is the same in every version of the provider and they are
# free. A parameter holds 4 KB, so the files are packed and cut. The number of pieces depends only on
# the files, which are known before anything exists.

locals {
  path   = "/melange-cloud/${var.name}"
  packed = base64gzip(jsonencode(var.files))
  pieces = ceil(length(local.packed) / 4000)

  base_cfg = templatefile("${path.module}/machine/base.cfg.tftpl", {
    port         = local.port
    metrics_port = var.metrics_port
    tls          = local.tls
    backends     = var.backends
  })
}

resource "aws_ssm_parameter" "files" {
  # checkov:skip=CKV2_AWS_34: no secret; keys and certificates never come here
  # checkov:skip=CKV_AWS_337: as above
  count = local.pieces

  name        = format("%s/files-%03d", local.path, count.index)
  description = "HAProxy's configuration and maps, packed; piece ${count.index + 1} of ${local.pieces}"
  type        = "String"
  value       = substr(local.packed, count.index * 4000, 4000)
  tags        = local.tags
}

resource "aws_ssm_parameter" "machine" {
  # checkov:skip=CKV2_AWS_34: no secret; addresses of load balancers
  # checkov:skip=CKV_AWS_337: as above
  name        = "${local.path}/machine"
  description = "The part of the gateway's configuration that does not come from the plan, and the digest of its files"
  type        = "String"
  tier        = "Intelligent-Tiering"
  tags        = local.tags

  value = jsonencode({
    sha256     = sha256(local.packed)
    "base.cfg" = local.base_cfg
  })
}
