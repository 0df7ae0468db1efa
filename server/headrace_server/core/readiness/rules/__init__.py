"""The rules, a module for each dimension."""
