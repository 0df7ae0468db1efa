"""Frozen records, their legal transitions, the tree of errors. Imports only the stdlib."""
