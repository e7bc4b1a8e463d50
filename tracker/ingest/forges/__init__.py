"""GitHub and GitLab: webhooks and APIs."""
