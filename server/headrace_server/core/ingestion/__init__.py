"""Taking data in: uploads, requests, loading, rejects."""
