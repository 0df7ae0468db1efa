"""Frozen records, their legal transitions, and the tree of errors. Imports the standard library only."""
