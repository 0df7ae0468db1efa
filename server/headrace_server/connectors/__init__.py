"""Systems that mappings read and write, one module for each scheme of address; imports model."""
