"""Builds the parts of the core, in reading order; `app` asks for them."""
