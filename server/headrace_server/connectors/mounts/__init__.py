"""Places where files lie: shares, buckets and folders, each opened for one mount."""
