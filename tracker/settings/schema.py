"""The schema of tracker.toml: its tables, their keys and defaults, and which settings answers depend on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tracker.times import duration_seconds

FILE_NAME = "tracker.toml"
UNITS = ("ratio", "seconds", "bytes", "count", "per_second", "percent")
BETTER = ("lower", "higher", "neither")
PRODUCTION_NAMES = ("production", "prod", "live", "prd", "produktion")
"""What services call the place that incidents are about, where they name no other."""


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; unknown keys are an error."""


class Tracker(_Section, frozen=True, kw_only=True):
    """The table [tracker]."""

    store: str = "tracker.db"
    time_zone: str = "UTC"
    prefix: str = "INC"
    report_url: str | None = None


class Prometheus(_Section, frozen=True, kw_only=True):
    """The table [prometheus]."""

    url: str | None = None
    step_seconds: int = 15
    bearer_token_env: str | None = None
    username: str | None = None
    password_env: str | None = None
    ca_file: str | None = None


class Alertmanager(_Section, frozen=True, kw_only=True):
    """The table [alertmanager]."""

    url: str | None = None
    token_env: str | None = None


class Sentry(_Section, frozen=True, kw_only=True):
    """The table [sentry]."""

    url: str | None = None
    organization: str | None = None
    token_env: str | None = None
    client_secret_env: str | None = None
    dsn_key_env: str | None = None


class Github(_Section, frozen=True, kw_only=True):
    """The table [github]; the url of a GitHub Enterprise Server is https://HOST/api/v3."""

    url: str = "https://api.github.com"
    token_env: str | None = None
    hook_secret_env: str | None = None


class Gitlab(_Section, frozen=True, kw_only=True):
    """The table [gitlab]."""

    url: str = "https://gitlab.com"
    token_env: str | None = None
    hook_token_env: str | None = None


class Hooks(_Section, frozen=True, kw_only=True):
    """The table [hooks]."""

    token_env: str | None = None


ANNOUNCEMENTS = ("declared", "reopened", "due", "resolved")
"""What `tracker serve` may post by itself."""


class Slack(_Section, frozen=True, kw_only=True):
    """The table [slack]: an incoming webhook, and what serve posts there by itself."""

    webhook_url_env: str | None = None
    announce: tuple[str, ...] = ANNOUNCEMENTS


class Teams(_Section, frozen=True, kw_only=True):
    """The table [teams]: the webhook of a workflow."""

    webhook_url_env: str | None = None
    announce: tuple[str, ...] = ANNOUNCEMENTS


class Webhook(_Section, frozen=True, kw_only=True):
    """The table [webhook]: a receiver of CloudEvents."""

    url_env: str | None = None
    token_env: str | None = None
    announce: tuple[str, ...] = ANNOUNCEMENTS


class Serve(_Section, frozen=True, kw_only=True):
    """The table [serve]: how often `tracker serve` asks its sources, and what the public DSN key may send."""

    reconcile_every: str = "2m"
    capture_every: str = "1m"
    public_envelopes_per_minute: int = 30_000
    public_bytes_per_minute: int = 30_000_000
    public_free_disk_bytes: int = 500_000_000


ACCESS = ("loopback", "link", "proxy")


class Page(_Section, frozen=True, kw_only=True):
    """The table [page]: who may look at the page of `tracker serve`, and where a link leads."""

    access: str = "loopback"
    trusted_proxies: tuple[str, ...] = ()
    user_header: str | None = None
    url: str | None = None


class Lake(_Section, frozen=True, kw_only=True):
    """The table [lake]: where `tracker serve` exports the log to, and how often."""

    folder: str | None = None
    every: str = "5m"


class Metric(_Section, frozen=True, kw_only=True):
    """[services.NAME.metrics.NAME]: one query, what people call it, its unit, and which way is better."""

    query: str
    title: str | None = None
    unit: str | None = None
    better: str = "neither"
    threshold: float | None = None


class Service(_Section, frozen=True, kw_only=True):
    """The table [services.NAME]."""

    repositories: tuple[str, ...] = ()
    github_repository: str | None = None
    gitlab_project: str | None = None
    sentry_projects: tuple[str, ...] = ()
    alert_labels: dict[str, str] = {}
    auto_declare: str | None = None
    rollback_command: str | None = None
    version_command: str | None = None
    production: tuple[str, ...] = PRODUCTION_NAMES
    settling: str = "2m"
    metrics: dict[str, Metric] = {}


class Told(_Section, frozen=True, kw_only=True):
    """The table [alerting.SEVERITY]: who must be notified of such an incident."""

    tell: tuple[str, ...] = ()


class Alerting(_Section, frozen=True, kw_only=True):
    """The table [alerting]."""

    critical: Told = Told()
    major: Told = Told()
    minor: Told = Told()


class Procedure(_Section, frozen=True, kw_only=True):
    """[procedure]: the hotfix procedure's limits and names."""

    production_branch: str = "main"
    integration_branch: str = "develop"
    branch_pattern: str = "hotfix/.+"
    generic_branch_names: tuple[str, ...] = ("critical-bug", "bug", "fix", "hotfix")
    alert_team_within: str = "5m"
    update_every: str = "5m"
    fix_deployed_within: str = "30m"
    merged_back_within: str = "1h"
    maximum_fix_commits: int = 3
    report_within: str = "5d"
    maintained_branches: tuple[str, ...] = ()


LIMITS = (
    "alert_team_within",
    "update_every",
    "fix_deployed_within",
    "merged_back_within",
    "report_within",
)
"""The keys of [procedure] that are durations."""


class SettingsFile(_Section, frozen=True, kw_only=True):
    """The whole file; missing keys have their default."""

    tracker: Tracker = Tracker()
    prometheus: Prometheus = Prometheus()
    alertmanager: Alertmanager = Alertmanager()
    sentry: Sentry = Sentry()
    github: Github = Github()
    gitlab: Gitlab = Gitlab()
    hooks: Hooks = Hooks()
    slack: Slack = Slack()
    teams: Teams = Teams()
    webhook: Webhook = Webhook()
    serve: Serve = Serve()
    page: Page = Page()
    lake: Lake = Lake()
    services: dict[str, Service] = {}
    procedure: Procedure = Procedure()
    alerting: Alerting = Alerting()
    people: dict[str, tuple[str, ...]] = {}
    """The names and e-mail addresses that one person has in git and elsewhere, by the name that the log uses."""


@dataclass(frozen=True)
class Settings:
    """The validated file. `path` is None if there is no file."""

    file: SettingsFile
    path: Path | None
    store: str

    @property
    def tracker(self) -> Tracker:
        return self.file.tracker

    @property
    def prometheus(self) -> Prometheus:
        return self.file.prometheus

    @property
    def procedure(self) -> Procedure:
        return self.file.procedure

    @property
    def services(self) -> dict[str, Service]:
        return self.file.services

    @property
    def names_by_address(self) -> dict[str, str]:
        """Whose an e-mail address is, in small letters, as far as [people] says it."""
        people = self.file.people.items()
        return {other.strip().lower(): name for name, others in people for other in others if "@" in other}

    @property
    def folder(self) -> Path:
        """The folder that relative paths are relative to."""
        return self.path.parent if self.path else Path.cwd()

    def facts(self) -> dict[str | None, dict[str, Any]]:
        """Return the settings that answers depend on, for each service and (None) for all: no secrets, no addresses."""
        # Through JSON: lists instead of tuples, so that recorded settings compare equal.
        common = {
            "procedure": msgspec.json.decode(msgspec.json.encode(self.procedure)),
            "prefix": self.tracker.prefix,
        }
        if self.file.people:
            common["people"] = {name: list(others) for name, others in self.file.people.items()}
        tell = {
            name: list(told.tell)
            for name in Alerting.__struct_fields__
            if (told := getattr(self.file.alerting, name)).tell
        }
        if tell:
            common["tell"] = tell
        facts: dict[str | None, dict[str, Any]] = {None: common}
        for name, service in self.services.items():
            facts[name] = {
                "metrics": {metric: _without_title(plan) for metric, plan in service.metrics.items()},
                "settling_seconds": duration_seconds(service.settling),
            }
            if service.production != PRODUCTION_NAMES:
                facts[name]["production"] = list(service.production)
        return facts


def _without_title(metric: Metric) -> dict[str, Any]:
    """Return a metric's settings; without a title they are what an earlier version recorded."""
    facts: dict[str, Any] = msgspec.to_builtins(metric)
    if metric.title is None:
        del facts["title"]
    return facts
