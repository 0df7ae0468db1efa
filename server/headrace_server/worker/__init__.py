"""Claims jobs, runs them, records how they ended."""
