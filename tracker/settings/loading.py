"""tracker.toml: where it is looked for, what it may say, and what of it answers depend on.

Secrets are never in it: it names environment variables or files.
"""

import difflib
import math
import os
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tracker.errors import SettingsError, UsageError
from tracker.settings.validation import refuse_contradictions
from tracker.times import duration_seconds, zone

FILE_NAME = "tracker.toml"
UNITS = ("ratio", "seconds", "bytes", "count", "per_second", "percent")
BETTER = ("lower", "higher", "neither")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9]*", re.ASCII)


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file; a key that it does not have is an error."""


class Tracker(_Section, frozen=True, kw_only=True):
    """The table [tracker]."""

    store: str = "tracker.db"
    time_zone: str = "UTC"
    prefix: str = "INC"


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
    """The table [github]; another url is that of a GitHub Enterprise Server: https://HOST/api/v3."""

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


class Slack(_Section, frozen=True, kw_only=True):
    """The table [slack]."""

    webhook_url_env: str | None = None


class Serve(_Section, frozen=True, kw_only=True):
    """The table [serve]: how often `tracker serve` asks its sources."""

    reconcile_every: str = "2m"
    capture_every: str = "1m"


class Metric(_Section, frozen=True, kw_only=True):
    """[services.NAME.metrics.NAME]: one query, its unit, and which way is better."""

    query: str
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
    settling: str = "2m"
    metrics: dict[str, Metric] = {}


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


class _File(_Section, frozen=True, kw_only=True):
    tracker: Tracker = Tracker()
    prometheus: Prometheus = Prometheus()
    alertmanager: Alertmanager = Alertmanager()
    sentry: Sentry = Sentry()
    github: Github = Github()
    gitlab: Gitlab = Gitlab()
    hooks: Hooks = Hooks()
    slack: Slack = Slack()
    serve: Serve = Serve()
    services: dict[str, Service] = {}
    procedure: Procedure = Procedure()


@dataclass(frozen=True)
class Settings:
    """What the file says, checked. `path` is None when there is no file."""

    file: _File
    path: Path | None
    store: str

    @property
    def tracker(self) -> Tracker:
        """The table [tracker]."""
        return self.file.tracker

    @property
    def prometheus(self) -> Prometheus:
        """The table [prometheus]."""
        return self.file.prometheus

    @property
    def procedure(self) -> Procedure:
        """The table [procedure]."""
        return self.file.procedure

    @property
    def services(self) -> dict[str, Service]:
        """The tables [services.NAME], by name."""
        return self.file.services

    @property
    def folder(self) -> Path:
        """What relative paths are relative to."""
        return self.path.parent if self.path else Path.cwd()

    def facts(self) -> dict[str | None, dict[str, Any]]:
        """Return what answers depend on, for each service and (None) for all: no secrets, no addresses."""
        # As JSON has them, lists for tuples, so that what was recorded compares equal to what is read.
        common = {
            "procedure": msgspec.json.decode(msgspec.json.encode(self.procedure)),
            "prefix": self.tracker.prefix,
        }
        found: dict[str | None, dict[str, Any]] = {None: common}
        for name, service in self.services.items():
            found[name] = {
                "metrics": msgspec.to_builtins(service.metrics),
                "settling_seconds": duration_seconds(service.settling),
            }
        return found


def secret(environment_name: str | None) -> str | None:
    """Return the secret that a `…_env` key names; a value `@FILE` is read from that file.

    Raises:
        SettingsError: If a name is given and the environment does not have it.
    """
    if environment_name is None:
        return None
    value = os.environ.get(environment_name)
    if value is None:
        raise SettingsError(
            f"the environment has no {environment_name}, which tracker.toml names",
            hint=f"export {environment_name}=…   (or @FILE to read it from a file)",
        )
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text(encoding="utf-8").strip()
        except OSError as missing:
            raise SettingsError(
                f"{environment_name} names the file {value[1:]}, which cannot be read: {missing.strerror}",
                hint=f"ls -l {value[1:]}",
            ) from missing
    return value


def find(start: Path) -> Path | None:
    """Return the nearest tracker.toml in a folder or above it."""
    for folder in (start, *start.parents):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            return candidate
    return None


def load(config: str | None = None, store: str | None = None) -> Settings:
    """Read the settings; without a file the defaults hold.

    `--store` wins over TRACKER_STORE, which wins over the file.

    Raises:
        SettingsError: If the file is missing, is no TOML, or says what it may not.
    """
    path = Path(config).resolve() if config else find(Path.cwd())
    file = _File()
    if path is not None:
        file = parse(_read(path), str(path))
    folder = path.parent if path else Path.cwd()
    chosen = store or os.environ.get("TRACKER_STORE") or None
    if chosen is not None:
        address = chosen if "://" in chosen else str(Path(chosen).expanduser().absolute())
    else:
        named = file.tracker.store
        address = named if "://" in named else str((folder / Path(named).expanduser()).absolute())
    if "://" in address and not address.startswith(("postgresql://", "postgres://")):
        raise SettingsError(
            f"the store {address.split('://')[0]}:// is not supported",
            hint="Use a file (tracker.db) or postgresql://user@host/database",
        )
    return Settings(file, path, address)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as missing:
        raise SettingsError(
            f"{path}: cannot be read: {missing.strerror}", hint="Write one with: tracker init"
        ) from missing


def parse(data: bytes, where: str) -> _File:
    """Read and check the text of a tracker.toml.

    Raises:
        SettingsError: With the place, and the nearest key for one that is unknown.
    """
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise SettingsError(f"{where}: this is not TOML: {broken}", hint=f"Edit {where}") from broken
    _refuse_unknown(raw, _File, "", where)
    try:
        file = msgspec.convert(raw, _File)
    except msgspec.ValidationError as wrong:
        place, said = _wrong_at(raw, wrong)
        raise SettingsError(f"{where}: {place or 'the file'}: {said}", hint=f"Edit {where}") from wrong
    _check(file, where)
    return file


def _refuse_unknown(raw: dict[str, Any], kind: Any, place: str, where: str) -> None:
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in raw.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.0)
            raise SettingsError(
                f"{where}: {place + key!r} is not a setting",
                hint=f"The nearest is {place + near[0]!r}",
            )
        inner = _struct_in(fields[key])
        if inner is not None and isinstance(value, dict):
            if fields[key] is inner:
                _refuse_unknown(value, inner, f"{place}{key}.", where)
            else:
                for name, each in value.items():
                    if isinstance(each, dict):
                        _refuse_unknown(each, inner, f"{place}{key}.{name}.", where)


def _wrong_at(raw: Any, wrong: msgspec.ValidationError) -> tuple[str, str]:
    """Return the place and what is wrong there; a table of many is named by its key."""
    text = str(wrong)
    place = text.rsplit("`$", 1)[1].strip("`").lstrip(".") if "`$" in text else ""
    named = ""
    for kind in (Service, Metric):
        before, many, after = place.partition("[...]")
        if not many:
            break
        name = next((name for name, each in raw[before].items() if not _fits(each, kind)), "…")
        raw, place = raw[before].get(name, {}), after.lstrip(".")
        named += f"{before}.{name}."
    return (named + place).rstrip("."), text.split(" - at ")[0]


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _struct_in(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    arguments = getattr(kind, "__args__", ())
    return next((a for a in arguments if isinstance(a, type) and issubclass(a, msgspec.Struct)), None)


def _check(file: _File, where: str) -> None:
    def refuse(place: str, said: str, hint: str) -> None:
        raise SettingsError(f"{where}: {place}: {said}", hint=hint)

    if not _PREFIX.fullmatch(file.tracker.prefix):
        refuse(
            "tracker.prefix", f"{file.tracker.prefix!r} is not a prefix", 'Letters and digits: prefix = "INC"'
        )
    try:
        zone(file.tracker.time_zone)
    except UsageError as unknown:
        refuse("tracker.time_zone", unknown.message, unknown.hint)
    if file.prometheus.step_seconds < 1:
        refuse("prometheus.step_seconds", "must be at least 1", "step_seconds = 15")
    durations = {
        f"procedure.{name}": getattr(file.procedure, name)
        for name in (
            "alert_team_within",
            "update_every",
            "fix_deployed_within",
            "merged_back_within",
            "report_within",
        )
    }
    for name in ("reconcile_every", "capture_every"):
        durations[f"serve.{name}"] = getattr(file.serve, name)
    for name, service in file.services.items():
        place = f"services.{name}"
        if not _NAME.fullmatch(name):
            refuse(
                place,
                "a service's name is letters, digits, dots, dashes and underscores",
                "[services.checkout]",
            )
        durations[f"{place}.settling"] = service.settling
        for metric_name, metric in service.metrics.items():
            here = f"{place}.metrics.{metric_name}"
            if not _NAME.fullmatch(metric_name):
                refuse(
                    here, "a metric's name is letters, digits, dots, dashes and underscores", "error_ratio"
                )
            if metric.unit is not None and metric.unit not in UNITS:
                refuse(f"{here}.unit", f"{metric.unit!r} is not a unit", "One of " + ", ".join(UNITS))
            if metric.threshold is not None and not math.isfinite(metric.threshold):
                refuse(f"{here}.threshold", f"{metric.threshold} is no limit", "threshold = 0.01")
            if metric.better not in BETTER:
                refuse(f"{here}.better", f"{metric.better!r} is no direction", "One of " + ", ".join(BETTER))
            if not metric.query.strip():
                refuse(f"{here}.query", "is empty", "Write the PromQL that you would type in Prometheus")
    for place, text in durations.items():
        try:
            duration_seconds(text)
        except UsageError as wrong:
            refuse(place, wrong.message, wrong.hint)
    refuse_contradictions(file.procedure, refuse)
