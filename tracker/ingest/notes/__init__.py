"""Notes and chat exports."""
