"""The judge on cases whose truth is known: `make judge`, or `CASES=folder make judge` for recorded ones."""
