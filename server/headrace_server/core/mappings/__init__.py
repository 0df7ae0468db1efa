"""Ingestion requests made of mappings: accepted, carried, recorded."""
