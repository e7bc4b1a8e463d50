"""Reports that a person wrote about one incident: one with faults, one without."""
