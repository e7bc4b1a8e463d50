"""`tracker serve`: what sources push is on disk before it is answered, what they keep is asked for, and both are one."""
