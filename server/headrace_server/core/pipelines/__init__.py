"""Pipelines and their runs: steps in the order of what each depends on."""
