"""Contracts: declared, checked, and followed by their next versions."""
