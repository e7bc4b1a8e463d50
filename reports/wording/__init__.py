"""How answers are worded, one module for each subject."""
