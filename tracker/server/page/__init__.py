"""The page of `tracker serve`: read-only, and open to nobody but those whom [page] names."""
