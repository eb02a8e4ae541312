# max_healthy_percentage is newer than provider 3.39; the rest of the block is as in main.tf.
resource "aws_autoscaling_group" "gateway" {
  instance_refresh {
    strategy = "Rolling"

    preferences {
      instance_warmup        = 180
      min_healthy_percentage = 100
    }
  }
}

# moto puts a template's own tags into the template's data, and the second plan would not be empty.
resource "aws_launch_template" "gateway" {
  tags = {}
}
