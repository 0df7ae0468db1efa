"""The decisions: one module or package per noun. Owns the transactions."""
