"""Schedules: times by the clock on a wall, and the ticks that they become."""
