"""What clienteling decides. Pure."""
