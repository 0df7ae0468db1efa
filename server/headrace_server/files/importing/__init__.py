"""Files of any known format made into rows of a table."""
