"""The Headrace client library and command."""
