"""How a metric is compared with its own past; `projections.comparison` is the door to it."""
