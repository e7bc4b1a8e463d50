"""Putting a report where one may stand already: what people typed there is kept, or the report is not written."""

import contextlib
import difflib
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reports.generated_regions import (
    BrokenMarksError,
    ParsedPart,
    ParsedReport,
    Part,
    parse,
    render,
    replace_regions,
    short_hash,
)
from reports.templates import TEMPLATES
from tracker.application.provenance import refuse_unknown_head
from tracker.application.session import Session
from tracker.errors import BadInputError, RefusedError
from tracker.text.shell import word

_FOOTER = re.compile(
    r"^(?:<p>)?Log (?:(?:`|<code>)(?P<log>[0-9a-f]{16})(?:`|</code>), )?position (?P<position>\d+), "
    r"last event .* head (?:`|<code>)(?P<head>[0-9a-f]{64})(?:`|</code>)",
    re.MULTILINE,
)
_HANDLE = re.compile(r"`([0-9a-v]{7})`")


def read(path: Path) -> bytes:
    """Return what stands in a file.

    Raises:
        BadInputError: If it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise BadInputError(
            f"{path}: cannot be read: {wrong.strerror}", hint=f"ls -l {word(path)}"
        ) from wrong


def parse_report_file(
    path: Path, data: bytes, error: type[BadInputError] | type[RefusedError]
) -> "ParsedReport":
    """Take a report apart.

    Raises:
        BadInputError, RefusedError: If its marks do not fit together, or it has none.
    """
    try:
        found = parse(data)
    except BrokenMarksError as broken:
        raise error(
            f"{path}:{broken.line}: {broken.what}",
            hint=f"Put the mark back as it was, or write a fresh one beside it: tracker report {word(_incident_of(data))} -o new.md",
        ) from broken
    if not found.parts:
        if _FOOTER.search(data.decode("utf-8", "replace")):
            what = "was written by an earlier tracker, which did not mark what it generated"
        else:
            what = "has no footer and no marks: it is no report of the tracker's"
        hint = f"Move it away first: mv {word(path)} {word(path.with_name(path.stem + '.old' + path.suffix))}; or name another place: -o FILE"
        if error is BadInputError:
            hint = "Write one beside it, and compare: tracker report INC -o FILE"
        raise error(f"{path} {what}", hint=hint)
    if found.attributes.get("template") not in TEMPLATES:
        line = found.parts[0].first_line
        raise error(
            f"{path}:{line}: there is no template {found.attributes.get('template')!r}",
            hint="Set template= in that line to one of " + ", ".join(TEMPLATES),
        )
    return found


def _incident_of(data: bytes) -> str:
    """Return the incident that a broken report is of, as far as it still says so."""
    said = re.search(rb"<!-- tracker:begin \S+ \S+ incident=([A-Za-z0-9-]+) ", data)
    return said[1].decode() if said else "INC"


def refuse_changed(target: Path, found: "ParsedReport | None") -> None:
    """Refuse to write over what somebody saved since it was read.

    Raises:
        RefusedError: If the file is not what it was.
    """
    stands = target.read_bytes() if target.is_file() else b""
    if stands.strip() and (found is None or stands != found.whole):
        raise RefusedError(
            f"{target} was saved by somebody while it was being written anew; nothing was written",
            hint="Type the same again",
        )


def footer_of(found: "ParsedReport") -> dict[str, str]:
    """Return the position and the head that a report's footer names; nothing where it names none."""
    part = found.part("footer")
    said = _FOOTER.search(part.text) if part else None
    return said.groupdict() if said else {}


def existing_report(target: Path, incident: str) -> "ParsedReport | None":
    """Return the report that stands at a place; None where there is none, nor anything else.

    Raises:
        RefusedError: If something else stands there, or another incident's report.
    """
    if not target.is_file():
        return None
    data = read(target)
    if not data.strip():
        return None
    found = parse_report_file(target, data, RefusedError)
    other = found.attributes.get("incident")
    if other != incident:
        raise RefusedError(f"{target} is the report of {other}", hint="Name another place: -o FILE")
    return found


def refuse_witness(session: Session, target: Path, found: "ParsedReport | None", rewrite: str) -> None:
    """Refuse to write over a report whose footer names a head that this log does not have.

    `rewrite` is the command that writes it.

    Raises:
        LogNotWholeError: If it does.
    """
    footer = footer_of(found) if found else None
    if found and footer:
        incident, log = found.attributes["incident"], footer["log"] or ""
        position, head = int(footer["position"]), footer["head"]
        refuse_unknown_head(session, target, incident, log=log, position=position, head=head, rewrite=rewrite)


def regenerate(
    target: Path,
    found: "ParsedReport",
    parts: "Sequence[Part]",
    *,
    force: bool,
    as_it_was: "Callable[[], Mapping[str, str]]",
) -> bytes:
    """Return the file with its parts written anew, and its prose where it is.

    `as_it_was` gives the parts as the log had them when the file was written: what a diff is held against.

    Raises:
        RefusedError: If somebody typed into a part.
    """
    incident = found.attributes["incident"]
    template = parts[0].attributes["template"]
    if found.attributes["template"] != template:
        return _in_another_template(target, found, parts, template, force=force)
    done = replace_regions(found, parts, force=force)
    if done.conflicts:
        raise _conflict(target, incident, done.conflicts, parts, as_it_was())
    return done.data


def _in_another_template(
    target: Path, found: "ParsedReport", parts: "Sequence[Part]", template: str, *, force: bool
) -> bytes:
    if found.by_hand or (found.edited and not force):
        lines = f"{found.by_hand} lines by hand" if found.by_hand else "generated parts that were edited"
        raise RefusedError(
            f"{target} is in the headings of {found.attributes['template']} and holds {lines}, which have no place in those of {template}",
            hint=f"Write it beside it: tracker report {word(found.attributes['incident'])} --template {word(template)} -o {word(target.with_name(f'{target.stem}-{template}.md'))}",
        )
    return render(parts).encode()


def _conflict(
    target: Path,
    incident: str,
    conflicts: "Sequence[ParsedPart]",
    parts: "Sequence[Part]",
    before: Mapping[str, str],
) -> RefusedError:
    fresh = {part.name: part.text for part in parts}
    where = ", ".join(f"{each.name} (line {each.first_line})" for each in conflicts)
    what = "a generated part" if len(conflicts) == 1 else f"{len(conflicts)} generated parts"
    shown: list[str] = []
    for each in conflicts:
        said = before.get(each.name)
        if said is None or short_hash(said.encode()) != each.marked_hash:
            said = fresh.get(each.name, "")
        shown += diff(
            said, each.text, f"{each.name}: what the log says", f"{each.name}: what stands in {target}"
        )
    removed = [line for line in shown if line.startswith("-") and not line.startswith("---")]
    handles = list(dict.fromkeys(_HANDLE.findall("\n".join(removed))))
    amend = f"tracker amend {' or '.join(handles) or 'EVENT'} …"
    return RefusedError(
        f"{target}: somebody typed into {what}: {where}; nothing was written",
        hint="\n  ".join(
            [
                *shown,
                f'Put it into the log, and the report says it: tracker review {word(incident)}, tracker note {word(incident)} "…", {amend}',
                f"Your own words have room between the parts: below a line <!-- tracker:end … -->, {target} keeps them.",
                f"Or let the log win, and lose what was typed there: tracker report {word(incident)} --force; or write elsewhere: -o FILE",
            ]
        ),
    )


def diff(before: str, after: str, before_name: str, after_name: str) -> list[str]:
    """Return a unified diff, a line each."""
    return list(
        difflib.unified_diff(before.split("\n"), after.split("\n"), before_name, after_name, lineterm="", n=1)
    )


def hand_lines(count: int) -> str:
    """Say how much prose there is."""
    return "1 line of prose by hand" if count == 1 else f"{count} lines of prose by hand"


def picture_folder(target: Path, incident: str) -> str:
    """Name the folder of a report's pictures after its file, so that no two reports share one; "" is the incident's own."""
    if target.name == f"{incident}.md":
        return ""
    name = target.stem if target.suffix == ".md" else f"{target.name}-pictures"
    return "".join(char if char.isprintable() else "-" for char in name)


def write_report(target: Path, data: bytes, pictures: Mapping[str, bytes]) -> None:
    """Write the text and the pictures beside it; the text comes last, so that it never names what is missing.

    Each file is replaced at once: no crash leaves half a picture, or half of what people typed.

    Raises:
        BadInputError: If the place cannot be written.
    """
    hint = "Name another place: -o FILE"
    if target.is_dir():
        raise BadInputError(f"{target}: cannot be written: Is a directory", hint=hint)
    if not target.parent.is_dir():
        raise BadInputError(
            f"{target}: there is no folder {target.parent}", hint=f"mkdir -p {word(target.parent)}"
        )
    try:
        for path, drawn in pictures.items():
            picture = target.parent / path
            picture.parent.mkdir(exist_ok=True)
            _write_whole(picture, drawn)
        _write_whole(target.resolve(), data)
    except OSError as wrong:
        raise BadInputError(
            f"{wrong.filename or target}: cannot be written: {wrong.strerror}", hint=hint
        ) from wrong


def _write_whole(target: Path, data: bytes) -> None:
    is_there = target.exists()
    if is_there and not target.is_file():
        target.write_bytes(data)  # a device or a pipe, /dev/null for one, is written to and never replaced
        return
    if (is_there and not os.access(target, os.W_OK)) or not os.access(target.parent, os.W_OK):
        target.write_bytes(data)  # raises, or writes where the folder takes no new file
        return
    mask = os.umask(0)
    os.umask(mask)
    mode = target.stat().st_mode & 0o7777 if is_there else 0o666 & ~mask
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(mode)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
