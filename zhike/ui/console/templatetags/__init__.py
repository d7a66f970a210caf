"""Filters of the console's own templates."""
