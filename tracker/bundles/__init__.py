"""One file that holds an incident with its evidence, and proves that a log held it: written, checked, brought in."""
