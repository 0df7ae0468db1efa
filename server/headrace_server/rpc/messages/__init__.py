"""Records to messages and back, one file per noun; no decisions."""
