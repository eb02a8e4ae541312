# max_healthy_percentage is newer than provider 3.39; the rest of the block is as in main.tf.
resource "aws_autoscaling_group" "pool" {
  instance_refresh {
    strategy = "Rolling"

    preferences {
      instance_warmup        = var.load_seconds
      min_healthy_percentage = 100
    }
  }
}

# moto puts a template's own tags into the template's data, and the second plan would not be empty.
resource "aws_launch_template" "pool" {
  tags = {}
}
