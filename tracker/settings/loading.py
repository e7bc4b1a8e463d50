"""Finding, reading and parsing tracker.toml.

Secrets are never in it: it names environment variables or files.
"""

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec

from tracker.errors import SettingsError
from tracker.settings.schema import FILE_NAME, Metric, Service, Settings, SettingsFile
from tracker.settings.store_address import check_address, is_address
from tracker.settings.validation import validate
from tracker.text.shell import word


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
            hint=f"export {word(environment_name)}=…   (or @FILE to read it from a file)",
        )
    if value.startswith("@"):
        try:
            return Path(value[1:]).read_text(encoding="utf-8").strip()
        except OSError as missing:
            raise SettingsError(
                f"{environment_name} names the file {value[1:]}, which cannot be read: {missing.strerror}",
                hint=f"ls -l {word(value[1:])}",
            ) from missing
    return value


def locate(config: str | None = None) -> Path | None:
    """Return the tracker.toml that counts: --config, TRACKER_CONFIG, the nearest from here upwards, the user's own.

    Raises:
        SettingsError: If the one that was looked for belongs to somebody else: whoever may write to a
            folder above would choose where our secrets are sent.
    """
    named = config or os.environ.get("TRACKER_CONFIG")
    if named:
        return Path(named).expanduser().resolve()
    user_folder = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "tracker"
    here = Path.cwd()
    for folder in (here, *here.parents, user_folder):
        candidate = folder / FILE_NAME
        if candidate.is_file():
            _refuse_foreign(candidate)
            return candidate
    return None


def _refuse_foreign(path: Path) -> None:
    trusted = {0, os.geteuid()}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdigit():
        trusted.add(int(os.environ["SUDO_UID"]))
    # Of a link both count: who made it, and whose file it leads to.
    for owner in (path.lstat().st_uid, path.stat().st_uid):
        if owner not in trusted:
            raise SettingsError(
                f"{path} belongs to another user (uid {owner}); nothing of it was read",
                hint=f"If you trust it, name it: --config {word(path)}, or TRACKER_CONFIG",
            )


def load(config: str | None = None, store: str | None = None) -> Settings:
    """Load the settings; without a file, but with a store, the defaults apply.

    `--store` overrides TRACKER_STORE, which overrides the file.

    Raises:
        SettingsError: If there is no file and no store, or the file is missing or not valid.
    """
    path = locate(config)
    file = SettingsFile()
    if path is not None:
        file = parse(_read(path), str(path))
    address = _chosen_store(store) or (_absolute(file.tracker.store, path.parent) if path else None)
    if address is None:
        lies_here = "; its log is here: --store tracker.db" if Path("tracker.db").is_file() else ""
        raise SettingsError(
            "there is no tracker.toml in this folder or above, so there is no log",
            hint="Write one: tracker init; or name one: --config FILE, or export TRACKER_CONFIG=FILE"
            f"{lies_here}; to look around: tracker demo",
        )
    if is_address(address):
        check_address(address)
    return Settings(file, path, address)


def load_again(before: Settings, config: str | None, store: str | None) -> Settings:
    """Load the file that was loaded before once more; one that nobody named must still be ours.

    Raises:
        SettingsError: If it is missing, somebody else's, or not valid.
    """
    assert before.path is not None
    if not (config or os.environ.get("TRACKER_CONFIG")) and before.path.exists():
        _refuse_foreign(before.path)
    return load(str(before.path), store)


def store_despite_errors(config: str | None, store: str | None) -> str | None:
    """Return the store of settings that are not valid; None if nothing names one."""
    if chosen := _chosen_store(store):
        return chosen
    try:
        path = locate(config)
    except SettingsError:
        return None
    if path is None or not path.is_file():
        return None
    text = path.read_text(encoding="utf-8", errors="replace")
    in_file = re.search(r"""^\s*store\s*=\s*["']([^"'\n]+)["']""", text, re.MULTILINE)
    return _absolute(in_file[1] if in_file else SettingsFile().tracker.store, path.parent)


def _chosen_store(store: str | None) -> str | None:
    chosen = store or os.environ.get("TRACKER_STORE")
    return _absolute(chosen, Path.cwd()) if chosen else None


def _absolute(store: str, folder: Path) -> str:
    return store if is_address(store) else str((folder / Path(store).expanduser()).absolute())


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
