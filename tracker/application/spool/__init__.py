"""Requests made while the store was away: kept on disk in a queue, and delivered once, in order, later.

The queue is an inbox in a file of its own. A request is kept with its instant and author fixed, and
has an identity made of content in the log, so a delivery that was cut off can be repeated.
"""
