"""The demo's tracker.toml."""

QUERIES = {
    "error_ratio": (
        'sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m]))'
        ' / sum(rate(http_requests_total{service="checkout"}[1m]))'
    ),
    "latency_seconds": 'http_request_duration_seconds{service="checkout",quantile="0.95"}',
    "pool_connections": 'max(db_pool_connections_in_use{service="checkout"})',
}
"""The demo's queries, by the metric's name."""

TOML = f"""\
# Written by `tracker demo`. Every line below works the same in your own tracker.toml: tracker init

[tracker]
store = "tracker.db"
time_zone = "UTC"
prefix = "INC"
report_url = "https://wiki.shop.example/incidents/{{incident}}"

[prometheus]
# The demo's samples were recorded, so nothing is asked here:
# url = "http://127.0.0.1:9090"
step_seconds = 15

[alerting.critical]
tell = ["Ben (payments)", "Carol (support)", "Mia (product)"]

[people]
# What git calls them, and what they call themselves.
Ben = ["Ben Okafor"]
Dan = ["Dan Lind"]
Eva = ["Eva Sato"]

[procedure]
update_every = "15m"

[services.checkout]
repositories = ["checkout"]
sentry_projects = ["7"]
alert_labels = {{ service = "checkout" }}
rollback_command = "kubectl rollout undo deployment/checkout"

[services.checkout.metrics.error_ratio]
query = '{QUERIES["error_ratio"]}'
title = "failed requests"
unit = "ratio"
better = "lower"
threshold = 0.01

[services.checkout.metrics.latency_seconds]
query = '{QUERIES["latency_seconds"]}'
title = "p95 latency"
unit = "seconds"
better = "lower"
threshold = 2.0

[services.checkout.metrics.pool_connections]
query = '{QUERIES["pool_connections"]}'
title = "busiest connection pool"
unit = "count"
better = "lower"

[services.search]
alert_labels = {{ service = "search" }}
"""
