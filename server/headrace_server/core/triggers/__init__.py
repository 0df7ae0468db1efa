"""Triggers: what starts pipelines by itself."""
