"""Writes of journeys (旅程): drafts and their approval, the engine, its triggers, measuring."""
