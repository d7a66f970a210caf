"""Decisions of the rewards context: values in, values out."""
