"""One hotfix from the first error to the report: its script, its recorded feeds, its settings."""
