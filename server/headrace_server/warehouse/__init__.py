"""A tenant's own database: staging, merge, parking, release, ledger and rejects."""
