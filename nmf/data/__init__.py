"""Data terms: the divergence from data that are dense, sparse, stored on disk, or spread over processes."""
