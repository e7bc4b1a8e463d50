"""Reading every configured source for the span of an incident."""
