"""Finding, reading and parsing tracker.toml.

Secrets are never in it: it names environment variables or files.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from tracker.errors import SettingsError
from tracker.settings.schema import FILE_NAME, Metric, Service, Settings, SettingsFile
from tracker.settings.validation import validate


def secret(environment_name: str | None) -> str | None:
    """Return the secret that a `…_env` key names; a value `@FILE` is read from that file.

    Raises:
        SettingsError: If the environment has no variable of that name.
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
    """Load the settings; without a file the defaults apply.

    `--store` overrides TRACKER_STORE, which overrides the file.

    Raises:
        SettingsError: If the file is missing or is not valid.
    """
    path = Path(config).resolve() if config else find(Path.cwd())
    file = SettingsFile()
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


def parse(data: bytes, where: str) -> SettingsFile:
    """Parse and check the text of a tracker.toml.

    Raises:
        SettingsError: With the place, and the nearest key to an unknown one.
    """
    try:
        raw = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise SettingsError(f"{where}: this is not TOML: {broken}", hint=f"Edit {where}") from broken
    _refuse_unknown(raw, SettingsFile, "", where)
    try:
        file = msgspec.convert(raw, SettingsFile)
    except msgspec.ValidationError as wrong:
        place, problem = _locate(raw, wrong)
        raise SettingsError(f"{where}: {place or 'the file'}: {problem}", hint=f"Edit {where}") from wrong
    validate(file, where)
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


def _locate(raw: Any, wrong: msgspec.ValidationError) -> tuple[str, str]:
    """Return the place, with the keys of tables, and the problem."""
    text = str(wrong)
    place = text.rsplit("`$", 1)[1].strip("`").lstrip(".") if "`$" in text else ""
    named = ""
    for kind in (Service, Metric):
        before, many, after = place.partition("[...]")
        if not many:
            break
        name = next((name for name, each in raw[before].items() if not _is_valid(each, kind)), "…")
        raw, place = raw[before].get(name, {}), after.lstrip(".")
        named += f"{before}.{name}."
    return (named + place).rstrip("."), text.split(" - at ")[0]


def _is_valid(value: Any, kind: Any) -> bool:
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
