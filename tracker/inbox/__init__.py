"""What was received and is not in the log yet."""
