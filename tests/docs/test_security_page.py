"""docs/security.md names every secret that tracker.toml can name, and no other."""

import re
from pathlib import Path

import msgspec

from tracker.settings.schema import SettingsFile

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")


def secrets_of_settings() -> set[str]:
    """Return each setting that names an environment variable, with its table."""
    tables = {field.name: field.type for field in msgspec.structs.fields(SettingsFile)}
    return {
        f"{name}.{field}"
        for name, table in tables.items()
        for field in getattr(table, "__struct_fields__", ())
        if field.endswith("_env")
    }


def test_every_secret_is_explained():
    """
    A new one is a door, and the page says what it opens.
    """
    table = PAGE.partition("## What each secret opens")[2].partition("\n## ")[0]
    named: set[str] = set()
    for row in re.findall(r"^\| (`\[.*?) \|", table, re.MULTILINE):
        section = ""
        for code in re.findall(r"`([^`]+)`", row):
            match = re.fullmatch(r"(?:\[(\w+)\] )?(\w+_env)", code)
            assert match, code
            section = match[1] or section
            named.add(f"{section}.{match[2]}")

    assert named == secrets_of_settings()
