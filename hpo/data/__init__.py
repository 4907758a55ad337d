"""Faces and songs: importers, the canonical store, and what the package carries itself."""
