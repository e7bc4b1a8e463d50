"""Each kind of event, as each version of tracker stored it."""
