"""The log as tables for analytics engines: Delta, CSV or JSON lines. It knows columns and files, and no projection."""
