"""Was the procedure followed? Rules held against the evidence in the log, one module for each group of them."""
