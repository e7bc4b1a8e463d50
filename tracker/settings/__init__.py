"""tracker.toml: what may be in it, how it is found and loaded, what contradicts itself."""
