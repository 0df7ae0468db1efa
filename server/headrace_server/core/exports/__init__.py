"""Exports: data of the warehouse taken away in files."""
