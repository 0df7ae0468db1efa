"""Datamarts: defined, refreshed in order, followed after loads, dropped when they are due."""
