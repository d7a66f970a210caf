"""The decisions of insight. Pure."""
