"""Writes of the organisation, by concern: structure, staff, sessions, api_keys, loading."""
