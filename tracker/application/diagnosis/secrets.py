"""The secrets that tracker.toml names: are they there, and does nobody else read them?"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tracker.application.diagnosis.examination import Examination
from tracker.errors import SettingsError
from tracker.ingest.findings import Finding, broken, ok, warning, wrong_setting
from tracker.settings.loading import secret
from tracker.text.shell import word


def named(examination: Examination) -> dict[str, str]:
    """Return the environment variables that the settings name, each with the key that names it."""
    found: dict[str, str] = {}
    file = examination.settings.file
    for table in msgspec.structs.fields(type(file)):
        section = getattr(file, table.name)
        if not isinstance(section, msgspec.Struct):
            continue
        for field in msgspec.structs.fields(type(section)):
            value = getattr(section, field.name)
            if field.name.endswith("_env") and value is not None:
                found.setdefault(value, f"[{table.name}] {field.name}")
    return found


def check(examination: Examination) -> Iterator[Finding]:
    """Look at each."""
    good = []
    for name, key in named(examination).items():
        try:
            value = secret(name)
        except SettingsError as trouble:
            yield broken("secrets", trouble)
            continue
        if not value or not value.strip():
            yield wrong_setting("secrets", f"{name}, which {key} names, is empty", f"export {word(name)}=…")
            continue
        raw = os.environ.get(name, "")
        readers = _readers(Path(raw[1:])) if raw.startswith("@") else ""
        if readers:
            path = raw[1:]
            yield warning(
                "secrets", f"{path}, the secret {name}, can be read by {readers}", f"chmod 600 {word(path)}"
            )
            continue
        good.append(name)
    if good:
        yield ok("secrets", f"{len(good)} named by tracker.toml are set: {', '.join(good)}")


def _readers(path: Path) -> str:
    mode = path.stat().st_mode
    who = [("everybody", stat.S_IROTH), ("its group", stat.S_IRGRP)]
    return next((name for name, bit in who if mode & bit), "")
