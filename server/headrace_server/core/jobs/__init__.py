"""The queue of jobs: turns, leases, and what becomes of a job."""
