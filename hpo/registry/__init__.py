"""Registered models: versions, aliases, and loading only what was recorded."""
