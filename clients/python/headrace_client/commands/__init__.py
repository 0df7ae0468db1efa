"""The `headrace` command, one module per group of commands."""
