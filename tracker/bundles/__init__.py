"""One file with an incident and its evidence, and the proof that a log held it: written, checked, imported."""
