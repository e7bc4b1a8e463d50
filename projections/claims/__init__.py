"""Is what people wrote true? Durations, times, counts, versions and names in prose, compared with the log."""
