"""Decisions about messages. Pure."""
