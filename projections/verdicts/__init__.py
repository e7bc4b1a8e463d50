"""Verdicts: each metric over each window after a change, as `compare`, `watch`, `collect` and the report give them."""
