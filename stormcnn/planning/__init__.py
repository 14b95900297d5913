"""Functions that the rules call: runs, batches, models and code digests."""
