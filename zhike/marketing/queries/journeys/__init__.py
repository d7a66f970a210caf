"""Reads of journeys (旅程)."""
