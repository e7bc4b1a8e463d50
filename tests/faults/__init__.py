"""What becomes of a delivery when something breaks: python -m tests.faults, or make faults."""
