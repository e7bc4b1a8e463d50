"""Payloads in, events out: one module, or one folder, for each source.

A reader is pure. It has no connection, no store and no clock, and refuses a
feed whole: half a feed in the log would look like all of it. What it makes of a
fact depends on the fact alone, so that a repeated delivery is the same event.
Which reader reads what arrives at `tracker serve` is in `tracker.application.read_delivery`.
"""
