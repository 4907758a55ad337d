"""Engines, samplers and pruners: what to try next, and when to stop trying."""
