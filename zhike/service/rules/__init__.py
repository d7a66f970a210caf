"""Decisions of the service context. Pure."""
