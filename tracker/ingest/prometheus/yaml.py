"""The little of YAML that Prometheus writes about its global settings.

It prints its own configuration in one canonical form, so that a library of
YAML would be a dependency for two levels of `key: value`.
"""

import json
import re

_ENTRY = re.compile(r"""(?P<key>'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[^\s'":#][^:]*?)\s*:(?:\s+(?P<value>.*))?""")


def global_settings(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the plain settings under `global`, and its `external_labels`.

    What cannot be read is left out.
    """
    settings: dict[str, str] = {}
    labels: dict[str, str] = {}
    inside = in_labels = False
    for indent, entry in _entries(text):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            continue
        key, value = _scalar(match["key"]), match["value"] or ""
        if indent == 0:
            inside, in_labels = key == "global", False
        elif inside and indent == 2:
            in_labels = key == "external_labels"
            settings[key] = _scalar(value)
        elif inside and in_labels and indent == 4:
            labels[key] = _scalar(value)
    return settings, labels


def _entries(text: str) -> list[tuple[int, str]]:
    """Return each entry with its indent; lines that go on are folded into it.

    Prometheus folds long values at blanks, one level deeper than their key.
    """
    entries: list[tuple[int, str]] = []
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        if entries and indent > entries[-1][0] and not entries[-1][1].endswith(":"):
            before = entries[-1][1]
            if before.endswith("\\"):
                entries[-1] = (entries[-1][0], before[:-1] + stripped.removeprefix("\\"))
            elif before.endswith((": |", ": |-", ": >", ": >-")):
                entries[-1] = (entries[-1][0], before[: before.rindex(": ") + 2] + stripped)
            else:
                entries[-1] = (entries[-1][0], f"{before} {stripped}")
        else:
            entries.append((indent, stripped))
    return entries


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) >= 2 and text[0] == text[-1] == '"':
        # YAML's \\xNN is the one escape that JSON lacks and Prometheus writes.
        try:
            return str(json.loads(re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", text)))
        except ValueError:
            return text[1:-1]
    return text
