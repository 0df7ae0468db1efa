"""Files of mounts brought into tables."""
