"""Checking that the values of tracker.toml are valid and do not contradict each other."""

import difflib
import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from tracker.errors import SettingsError, UsageError
from tracker.settings.schema import (
    ACCESS,
    ANNOUNCEMENTS,
    BETTER,
    LIMITS,
    PRODUCTION_NAMES,
    UNITS,
    Metric,
    Page,
    Procedure,
    Serve,
    Service,
    SettingsFile,
    Tracker,
)
from tracker.settings.slow_patterns import is_slow
from tracker.times import duration_seconds, zone

Refuse = Callable[[str, str, str], None]
"""Raises SettingsError with the place, the problem, and what to write instead."""

_IN_ORDER = (
    ("alert_team_within", "fix_deployed_within", "the team would be alerted after the fix"),
    ("fix_deployed_within", "merged_back_within", "the fix would be merged back before it is deployed"),
)
"""Limits of which the second cannot be shorter than the first, and why: all run from the detection."""
_PATTERN_LANGUAGE = set(".*+?[](){}|^$\\")


LONGEST_SETTLING_SECONDS = 86_400.0
_LONGEST_DURATION_SECONDS = 366 * 86_400.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


def validate(file: SettingsFile, where: str) -> None:
    """Check the values of a file whose keys and types are valid."""

    def refuse(place: str, problem: str, hint: str) -> None:
        raise SettingsError(f"{where}: {place}: {problem}", hint=hint)

    if not _PREFIX.fullmatch(file.tracker.prefix):
        refuse(
            "tracker.prefix", f"{file.tracker.prefix!r} is not a prefix", 'Letters and digits: prefix = "INC"'
        )
    try:
        zone(file.tracker.time_zone)
    except UsageError as unknown:
        refuse("tracker.time_zone", unknown.message, unknown.hint)
    if file.tracker.report_url is not None and not file.tracker.report_url.startswith(
        ("http://", "https://")
    ):
        refuse(
            "tracker.report_url", "must begin with https://", 'report_url = "https://wiki.example/{incident}"'
        )
    if file.prometheus.step_seconds < 1:
        refuse("prometheus.step_seconds", "must be at least 1", "step_seconds = 15")
    _refuse_page(file.page, refuse)
    durations = {f"procedure.{name}": getattr(file.procedure, name) for name in LIMITS}
    for name in ("reconcile_every", "capture_every"):
        durations[f"serve.{name}"] = getattr(file.serve, name)
    durations["lake.every"] = file.lake.every
    if file.lake.folder is not None and not file.lake.folder.strip():
        refuse("lake.folder", "is empty", 'folder = "lake"')
    for name, least in (
        ("public_envelopes_per_minute", 1),
        ("public_bytes_per_minute", 1),
        ("public_free_disk_bytes", 0),
    ):
        if getattr(file.serve, name) < least:
            refuse(f"serve.{name}", f"must be at least {least}", f"{name} = {getattr(Serve(), name)}")
    for name, service in file.services.items():
        place = f"services.{name}"
        if not _NAME.fullmatch(name):
            refuse(
                place,
                "a service's name is letters, digits, dots, dashes and underscores",
                "[services.checkout]",
            )
        durations[f"{place}.settling"] = service.settling
        if not service.production or not all(name.strip() for name in service.production):
            hint = f"production = {list(PRODUCTION_NAMES)}".replace("'", '"')
            refuse(f"{place}.production", "names no environment", hint)
        for metric_name, metric in service.metrics.items():
            here = f"{place}.metrics.{metric_name}"
            if not _NAME.fullmatch(metric_name):
                refuse(
                    here, "a metric's name is letters, digits, dots, dashes and underscores", "error_ratio"
                )
            if metric.unit is not None and metric.unit not in UNITS:
                refuse(f"{here}.unit", f"{metric.unit!r} is not a unit", "One of " + ", ".join(UNITS))
            if metric.threshold is not None and not math.isfinite(metric.threshold):
                refuse(f"{here}.threshold", "threshold must be a finite number", "threshold = 0.01")
            if metric.better not in BETTER:
                refuse(
                    f"{here}.better", f"{metric.better!r} is not a direction", "One of " + ", ".join(BETTER)
                )
            if not metric.query.strip():
                refuse(f"{here}.query", "is empty", "Write a PromQL query")
    for place, text in durations.items():
        try:
            seconds = duration_seconds(text)
        except UsageError as wrong:
            refuse(place, wrong.message, wrong.hint)
        except (OverflowError, ValueError):  # of more digits than a number has
            seconds = math.inf
        longest = LONGEST_SETTLING_SECONDS if place.endswith(".settling") else _LONGEST_DURATION_SECONDS
        if not 0 <= seconds <= longest:
            refuse(place, f"{text!r} must be between 0 and {longest / 86_400:g} d", 'Write it as "2m"')
    _refuse_channels(file, refuse)
    refuse_contradictions(file.procedure, refuse)


def _refuse_page(page: Page, refuse: Refuse) -> None:
    """Refuse a page that anybody could open, or nobody."""
    if page.access not in ACCESS:
        refuse(
            "page.access", f"{page.access!r} is none of the ways to open it", "One of " + ", ".join(ACCESS)
        )
    if page.url is not None and not page.url.startswith(("http://", "https://")):
        refuse("page.url", "must begin with https://", 'url = "https://tracker.example"')
    for address in page.trusted_proxies:
        try:
            network = ipaddress.ip_network(address)
        except ValueError as wrong:
            refuse("page.trusted_proxies", str(wrong), 'trusted_proxies = ["10.0.0.7", "10.1.0.0/24"]')
            continue
        if network.prefixlen == 0:
            refuse(
                "page.trusted_proxies",
                f"{address!r} is every address: anybody could name any user",
                'trusted_proxies = ["10.0.0.7"]',
            )
    proxied = page.access == "proxy"
    if proxied and not page.trusted_proxies:
        refuse(
            "page.trusted_proxies",
            'names nobody, and access = "proxy" believes only those',
            'trusted_proxies = ["10.0.0.7"]',
        )
    if proxied and not page.user_header:
        refuse(
            "page.user_header",
            'is not set, and access = "proxy" needs to know who looks',
            'user_header = "X-Forwarded-User"',
        )
    if page.user_header is not None and not _HEADER.fullmatch(page.user_header):
        refuse(
            "page.user_header",
            f"{page.user_header!r} is not the name of a header",
            'user_header = "X-Forwarded-User"',
        )
    if not proxied and (page.trusted_proxies or page.user_header):
        refuse(
            "page.access",
            f"is {page.access!r}, with which trusted_proxies and user_header mean nothing",
            'access = "proxy", or remove both',
        )


def _refuse_channels(file: SettingsFile, refuse: Refuse) -> None:
    """Refuse what cannot be announced, and a token that is for no address."""
    for name in ("slack", "teams", "webhook"):
        for announced in getattr(file, name).announce:
            if announced not in ANNOUNCEMENTS:
                near = difflib.get_close_matches(announced, ANNOUNCEMENTS, n=1, cutoff=0.0)[0]
                hint = (
                    f"The nearest is {near!r}; all: announce = {list(ANNOUNCEMENTS)}; nothing: announce = []"
                )
                refuse(f"{name}.announce", f"{announced!r} cannot be announced", hint.replace("'", '"'))
    if file.webhook.token_env and not file.webhook.url_env:
        refuse("webhook.token_env", "is a token for no address", 'url_env = "WEBHOOK_URL"')
    for severity in ("critical", "major", "minor"):
        if not all(name.strip() for name in getattr(file.alerting, severity).tell):
            refuse(f"alerting.{severity}.tell", "has an empty name", 'tell = ["engineering lead", "devops"]')


def refuse_contradictions(procedure: "Procedure", refuse: Refuse) -> None:
    """Refuse limits that contradict each other; they are valid durations already."""
    seconds = {name: duration_seconds(getattr(procedure, name)) for name in LIMITS}
    for name in LIMITS:
        if seconds[name] <= 0:
            refuse(f"procedure.{name}", "must be longer than 0", f'{name} = "{getattr(Procedure(), name)}"')
    for earlier, later, why in _IN_ORDER:
        if seconds[later] < seconds[earlier]:
            least = getattr(procedure, earlier)
            refuse(
                f"procedure.{later}",
                f"{getattr(procedure, later)!r} is less than {earlier} {least!r}: {why}",
                f'Both run from the detection: {later} = "{least}", or more',
            )
    commits = procedure.maximum_fix_commits
    if commits < 1:
        refuse("procedure.maximum_fix_commits", "must be at least 1", "maximum_fix_commits = 3")
    _refuse_branches(procedure, refuse)


def _refuse_branches(procedure: "Procedure", refuse: Refuse) -> None:
    production, integration = procedure.production_branch, procedure.integration_branch
    if not production.strip():
        refuse(
            "procedure.production_branch",
            "is empty; a hotfix starts from it",
            'production_branch = "main"',
        )
    if production == integration:
        refuse(
            "procedure.integration_branch",
            f"is {integration!r}, the same as production_branch: a hotfix starts from one of them only",
            'With a single trunk there is nothing to merge back to: integration_branch = ""',
        )
    for key in ("production_branch", "integration_branch"):
        if getattr(procedure, key) in procedure.maintained_branches:
            refuse(
                "procedure.maintained_branches",
                f"names {getattr(procedure, key)!r}, which is {key}, not an older release branch",
                'maintained_branches = ["release/1.0"]',
            )
    place, hint, text = "procedure.branch_pattern", 'branch_pattern = "hotfix/.+"', procedure.branch_pattern
    if not text:
        refuse(place, "is empty, so it matches no branch", hint)
    try:
        pattern = re.compile(text)
    except re.error as broken:
        refuse(place, f"is not a pattern: {broken}", hint)
        return
    if is_slow(text):
        refuse(place, f"{text!r} may take for ever on a name that almost matches", hint)
    for key in ("production_branch", "integration_branch"):
        name = getattr(procedure, key)
        if name and pattern.fullmatch(name):
            refuse(place, f"{text!r} matches {key} {name!r}, which is not a hotfix branch", hint)
    last = text.rsplit("/", 1)[-1]
    # Without special characters it matches one name.
    if not _PATTERN_LANGUAGE & set(text) and {text, last} & set(procedure.generic_branch_names):
        refuse(place, f"{text!r} matches one name only, which generic_branch_names forbids", hint)


# ── settings as they were recorded ───────────────────────────────────────────

_S = TypeVar("_S", Metric, Procedure)


def problem_of_recorded(service: str | None, facts: Mapping[str, Any]) -> str | None:
    """Return what of recorded settings tracker.toml could not have said; keys of other versions are ignored."""
    where = "the settings"
    try:
        if service is None:
            prefix = facts.get("prefix", Tracker().prefix)
            file = SettingsFile(
                tracker=msgspec.convert({"prefix": prefix}, Tracker),
                procedure=_known_keys(facts.get("procedure", {}), Procedure),
            )
            msgspec.convert(facts.get("people", {}), dict[str, tuple[str, ...]])
        else:
            settling = msgspec.convert(facts.get("settling_seconds", 0.0), float)
            if not 0 <= settling <= LONGEST_SETTLING_SECONDS:
                return f"settling_seconds of {service[:100]!r} is {settling:g}"
            metrics = msgspec.convert(facts.get("metrics", {}), dict[str, dict[str, Any]])
            plans = {name: _known_keys(metric, Metric) for name, metric in metrics.items()}
            production = msgspec.convert(facts.get("production", PRODUCTION_NAMES), tuple[str, ...])
            file = SettingsFile(services={service: Service(metrics=plans, production=production)})
        validate(file, where)
    except msgspec.ValidationError as wrong:
        return f"the settings of {service[:100] if service else 'all services'}: {wrong}"
    except SettingsError as wrong:
        return wrong.message
    return None


def _known_keys(values: Any, kind: type[_S]) -> _S:
    fields = {field.name for field in msgspec.structs.fields(kind)}
    known = msgspec.convert(values, dict[str, Any])
    return msgspec.convert({name: value for name, value in known.items() if name in fields}, kind)
