"""Whole directories taken in: planned by their references, resumed after a kill."""
