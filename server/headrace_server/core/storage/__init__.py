"""Mounts, watched folders, and the files in them."""
