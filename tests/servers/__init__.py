"""Real programs for tests to talk to: Prometheus, Alertmanager, PostgreSQL.

Each is started on loopback, on a free port, with its data in a folder of its own,
and is ended by its own process handle. Where the program is not installed, the test is skipped.
"""
