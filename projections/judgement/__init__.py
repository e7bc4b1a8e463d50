"""The judge: windows, replay and the verdict rows of an incident. Everybody else imports `projections.comparison`."""
