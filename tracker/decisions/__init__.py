"""What may be decided on an incident: pure functions, one module for each subject."""
