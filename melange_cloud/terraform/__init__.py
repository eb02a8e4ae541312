"""From a Plan to Terraform: the files, how they are written, and running terraform on them."""
