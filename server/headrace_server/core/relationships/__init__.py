"""How tables belong together: declared, told by names and values, decided by people."""
