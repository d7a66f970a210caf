"""Decisions about journeys (旅程): what a graph must be, how it is edited and drawn, where a person goes next. Pure."""
