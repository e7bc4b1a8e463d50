"""The channels that messages are posted to: Slack, Teams, and a webhook of your own."""
