"""Bytes to typed rows: compression, chunks, parsing and validation."""
