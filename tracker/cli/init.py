"""Write a commented tracker.toml to the current folder. An existing file is never overwritten."""

import argparse
from pathlib import Path

from tracker.application.session import Session
from tracker.cli.common import say
from tracker.errors import RefusedError
from tracker.text.shell import word

EXAMPLE = "example:  tracker init"

TEMPLATE = """\
# Settings of the incident tracker: --config FILE, else TRACKER_CONFIG, else the nearest tracker.toml here or above.
# Relative paths are relative to this file. Secrets are never in it: name environment variables.

[tracker]
store = "tracker.db"              # a SQLite file, or postgresql://user@host/database
time_zone = "UTC"                 # for display only
prefix = "INC"

[prometheus]
# url = "http://127.0.0.1:9090"   # anything that speaks the Prometheus HTTP API
step_seconds = 15
# bearer_token_env = "PROM_TOKEN" # or username and password_env, ca_file

[alertmanager]
# url = "http://127.0.0.1:9093"
# token_env = "TRACKER_HOOK_TOKEN"       # what it must present to tracker serve as a Bearer token

[sentry]
# url = "https://sentry.io"       # or a Bugsink, which has no organization
# organization = "acme"
# token_env = "SENTRY_TOKEN"
# client_secret_env = "SENTRY_HOOK_SECRET"  # signs the webhooks of your integration
# dsn_key_env = "TRACKER_DSN_KEY"           # SDKs may report here: http://KEY@127.0.0.1:8321/PROJECT

[hooks]
# token_env = "TRACKER_EVENTS_TOKEN"        # Bearer for /hooks/events

[github]
# url = "https://api.github.com"  # GitHub Enterprise Server: https://HOST/api/v3
# token_env = "GITHUB_TOKEN"      # reads deployments
# hook_secret_env = "GITHUB_HOOK_SECRET"

[gitlab]
# url = "https://gitlab.com"
# token_env = "GITLAB_TOKEN"      # reads the API (scope read_api)
# hook_token_env = "GITLAB_HOOK_TOKEN"

[slack]
# webhook_url_env = "SLACK_URL"   # the variable with the incoming webhook's URL
# announce = ["declared", "reopened", "due", "resolved"]    # what serve posts by itself; [] is nothing

[teams]
# webhook_url_env = "TEAMS_URL"   # Workflows: "Post to a channel when a webhook request is received"

[webhook]
# url_env = "WEBHOOK_URL"         # a receiver of CloudEvents, one a message
# token_env = "WEBHOOK_TOKEN"

# [alerting.critical]             # who must be notified of a critical incident; the first message names them
# tell = ["engineering lead", "devops", "product", "cto"]

# [people]                        # one person under several names or addresses, such as git's: shown as the first
# Ben = ["Ben Okafor", "ben@shop.example"]

[serve]                           # tracker serve; the defaults
reconcile_every = "2m"
capture_every = "1m"

# [lake]                          # tracker serve exports the log as tables; needs: pip install 'tracker[lake]'
# folder = "lake"
# every = "5m"

# One table for each service that you deploy.
# [services.checkout]
# repositories = ["../checkout"]            # local git clones
# github_repository = "acme/checkout"
# gitlab_project = "acme/checkout"          # its path or its number
# sentry_projects = ["checkout"]
# alert_labels = { service = "checkout" }   # an alert with all of these labels belongs to this service
# auto_declare = "critical"                 # an alert of this severity declares an incident (serve only)
# rollback_command = "kubectl rollout undo deployment/checkout"    # {version} in it is filled in
# version_command = "curl -s https://checkout.example/version"      # prints the running version; asked where nobody named one
# production = ["production", "prod", "live", "prd", "produktion"]   # names of the place that incidents are about; elsewhere nothing is judged
# settling = "2m"
#
# [services.checkout.metrics.error_ratio]
# query = 'sum(rate(http_requests_total{service="checkout",code=~"5.."}[1m])) / sum(rate(http_requests_total{service="checkout"}[1m]))'
# title = "Failed requests"       # what people call it in the report and in pictures
# unit = "ratio"                  # ratio | seconds | bytes | count | per_second | percent
# better = "lower"                # lower | higher | neither
# threshold = 0.01

[procedure]                       # the defaults; tracker check evaluates them against the log
production_branch = "main"
integration_branch = "develop"    # "" for trunk-based development
branch_pattern = "hotfix/.+"
generic_branch_names = ["critical-bug", "bug", "fix", "hotfix"]
maximum_fix_commits = 3           # version bumps and merges not counted
alert_team_within = "5m"          # limits run from detection, else from the declaration
update_every = "5m"
fix_deployed_within = "30m"
merged_back_within = "1h"
report_within = "5d"              # from the end
# maintained_branches = ["release/1.0"]     # older release branches that a fix must reach too
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(arguments: argparse.Namespace, session: Session) -> int:
    path = Path(arguments.config or "tracker.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError as there:
        raise RefusedError(
            f"{path} already exists and was not overwritten", hint=f"See it: cat {word(path)}"
        ) from there
    except OSError as wrong:
        raise RefusedError(
            f"{path} cannot be written: {wrong.strerror}", hint="Change to a folder you can write to"
        ) from wrong
    print(path)
    say(
        'Next: uncomment a service in it, then: tracker declare "what is broken" --service NAME --severity critical'
    )
    return 0
