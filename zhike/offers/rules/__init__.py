"""Decisions of the offers context: values in, values out."""
