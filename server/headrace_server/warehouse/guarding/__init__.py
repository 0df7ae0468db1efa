"""The parts of the guard: what is read of a query, and what each of its words may be."""
