"""Remote jobs: a leased queue that workers elsewhere use over the network."""
