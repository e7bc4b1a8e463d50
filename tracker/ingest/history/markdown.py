"""Post-mortems as teams write them in markdown: front matter, headings, tables, bullets.

A line counts if it begins with a time, or is a milestone's name and a time. A date inside a sentence is listed
as unread: what it dates cannot be told from the words.
"""

import re
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from tracker.errors import BadInputError, UsageError
from tracker.ingest.history.blocks import Block, blocks, whole_day
from tracker.ingest.history.past import PastIncident, PastLine, Unread
from tracker.ingest.history.stamps import Stamp, StampError, read_stamp, spread
from tracker.ingest.history.words import (
    ACTIONS,
    DAY_OF_IT,
    FRONT_MATTER,
    NO_ACTION,
    PLACEHOLDER,
    SECTIONS,
    TEMPLATE_DATE,
    TIMELINE,
    label_of,
    plain,
    unmarked,
)
from tracker.ingest.history.zones import in_zone
from tracker.ingest.notes.days import order_of, read_day
from tracker.text.patterns import lazy_pattern
from tracker.zone_names import ZoneName, ZoneNameError, zone_at

_DATED = lazy_pattern(
    r"\d{4,5}[-/]\d{1,2}[-/]\d{1,2}|\d{4}-(?:\d\d|\?\?)-\?\?|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
)
_SOME_TIME = lazy_pattern(
    r"(?<![\w.])\d{4,5}[-/]\d|(?<![\w./])\d{1,2}[./]\d{1,2}[./]\d{4}|(?<![\w:])\d{1,2}:\d{2}\b"
    r"|(?<!\w)(?:\d{1,2}(?:st|nd|rd|th|\.)? (?:of )?)?(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.? \d",
    re.IGNORECASE,
)
"""Where in a line of a label its time may begin."""
_KEY = lazy_pattern(r"(?P<key>[A-Za-z][\w -]{0,40}?)\s*:\s*(?P<value>.*)$")
_ZONE_SAID = lazy_pattern(
    r"\b(?i:times?|timestamps?|clocks?|time ?zone)\b(?i:\W+(?:all|are|is|in|listed|shown|given|below|here|as|the|use|using|of)\b)*[\s:(|\[]+(?P<zone>[A-Z][\w/+:. -]{0,40})"
)
_CITY = lazy_pattern(r"(?P<city>[A-Z]\w+(?: [A-Z]\w+)?)(?: local)? time\b")
_WHEN = lazy_pattern(r".*\b(?:date|time|when|timestamp|zeit|datum|uhrzeit)\b.*", re.IGNORECASE)
_YEAR_DAYS = 365.25
_ONE_DAY = timedelta(days=1)
_BACK = timedelta(hours=6)
"""A clock time that is so much before the line above is one of the next day."""


def read(data: bytes, *, file: str, zone: tzinfo, now: datetime) -> PastIncident:
    """Read one post-mortem. `zone` is that of its times, unless it names one itself.

    Raises:
        BadInputError: If it is no text.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise BadInputError(f"{file}: not UTF-8 text at byte {wrong.start}", hint=f"file {file!r}") from wrong
    return _Reader(file, text.splitlines(), zone, now).read()


class _Reader:
    def __init__(self, file: str, lines: list[str], zone: tzinfo, now: datetime) -> None:
        self.lines = lines
        self.zone: tzinfo | ZoneName = zone
        self.given = zone
        self.now = now
        self.past = PastIncident(file)
        self.order: str | None = None
        self.zone_problem = ""
        self.day: date | None = None
        self.last_clock: datetime | None = None
        self.found: list[tuple[PastLine, Stamp]] = []
        self.read_numbers: set[int] = set()

    def read(self) -> PastIncident:
        start = self._front_matter()
        found = list(blocks(self.lines, start))
        self._find_zone()
        self._find_order()
        self._find_title(found)
        for block in found:
            self._block(block)
        self._set_aside_wrong_years()
        self._list_unread(found)
        self._notes(found)
        past = self.past
        past.lines = [line for line, _ in self.found]
        past.unread.sort(key=lambda one: one.line)
        whole = "\n".join(self.lines)
        past.is_template = not past.lines and bool(TEMPLATE_DATE.search(whole))
        return past

    # ── what holds for the whole file ──

    def _front_matter(self) -> int:
        if not self.lines or self.lines[0].strip() != "---":
            return 0
        end = next((i for i, line in enumerate(self.lines[1:], 1) if line.strip() in ("---", "...")), None)
        if end is None:
            return 0
        for number, line in enumerate(self.lines[1:end], 2):
            if match := _KEY.match(line.strip()):
                self._key(
                    match["key"].strip().lower().replace("-", "_").replace(" ", "_"), match["value"], number
                )
        return end + 1

    def _key(self, key: str, value: str, number: int) -> None:
        value = value.strip().strip("\"'")
        if key == "title":
            self.past.title = value
        elif key in ("severity", "sev", "priority"):
            self.past.severity = value or None
        elif key in ("lead", "incident_lead", "commander", "incident_commander"):
            self.past.lead = value or None
        elif key in ("service", "services", "component", "components"):
            self.past.services = tuple(
                filter(None, (part.strip(" \"'") for part in value.strip("[]").split(",")))
            )
        elif key in ("timezone", "time_zone", "tz"):
            self._zone_is(value)
        elif key in FRONT_MATTER:
            self._line(
                number, f"{value} {key}", is_label=True, text=key.replace("_", " "), label=FRONT_MATTER[key]
            )
        elif key == "date" and (day := _plain_day(value)):
            self.day = day

    def _find_zone(self) -> None:
        for line in self.lines:
            for match in _ZONE_SAID.finditer(unmarked(line)):
                self._zone_is(match["zone"].strip(" :."))

    def _zone_is(self, words: str) -> None:
        """Take the file's own word for its zone; of CET/CEST either will do, for both are one place's time."""
        words = re.sub(r"^([A-Z]{2,5})/[A-Z]{2,5}\b", r"\1", words)
        try:
            found = zone_at(words)
        except ZoneNameError as unclear:
            # The person who imports says which of the zones of that name it is.
            name = re.match(r"\w+", words)
            known = {datetime(2024, month, 1, tzinfo=self.given).tzname() for month in (1, 7)}
            if name is None or name[0] not in known:
                self.zone_problem = f"the file's times are in {words.split()[0]!r}: {unclear.problem}"
            return
        if found is not None:
            self.zone = found[0]
        elif match := _CITY.match(words):
            ending = "/" + match["city"].replace(" ", "_")
            places = [name for name in available_timezones() if name.endswith(ending)]
            if len(places) == 1:
                self.zone = ZoneInfo(places[0])

    def _find_order(self) -> None:
        """Decide whether 5/3 is in March or in May, by the dates of the file that can be read in one way only."""
        days = []
        for line in self.lines:
            for match in re.finditer(r"(?<![\d./-])\d{1,2}/\d{1,2}/\d{2,4}(?!\d)", line):
                days += [day[0]] if (day := read_day(match[0])) else []
        try:
            self.order = order_of(days, None, None)
        except UsageError:
            self.order = None

    def _find_title(self, blocks: list[Block]) -> None:
        heading = next((block for block in blocks if block.is_heading), None)
        title = plain(heading.text) if heading is not None else ""
        self.past.title = title or self.past.title or re.sub(r"\.\w{1,9}$", "", self.past.file)
        if self.day is None:
            name = re.search(r"\d{4}-\d{2}-\d{2}", f"{title} {self.past.file}")
            self.day = _plain_day(name[0]) if name else None

    # ── lines ──

    def _block(self, block: Block) -> None:
        if block.is_code:
            return
        if block.is_heading or (block.cells is None and whole_day(block.text, self.order)):
            if day := whole_day(block.text, self.order):
                self.day, self.last_clock = day, None
                self.read_numbers.add(block.number)
            return
        if ACTIONS.fullmatch(block.section):
            self._action(block)
            return
        if block.cells is not None:
            self._row(block)
            return
        text = block.text
        in_timeline = any(map(TIMELINE.fullmatch, block.path))
        if not self._line(block.number, text, in_timeline=in_timeline, is_item=block.is_item):
            self._labelled(block)

    def _row(self, block: Block) -> None:
        cells, header = block.cells or [], block.header or []
        when = [i for i, name in enumerate(header) if _WHEN.fullmatch(name)] or [0]
        stamp = " ".join(cells[i] for i in when if i < len(cells)).strip()
        rest = " · ".join(cell for i, cell in enumerate(cells) if i not in when and cell)
        if not stamp and rest and header and _WHEN.fullmatch(header[when[0]]):
            self._unread(block.number, rest, "it has no time")
        elif stamp and not self._line(
            block.number, f"{stamp} | {rest}", in_timeline=True, is_item=True, text=rest
        ):
            self._labelled(replace(block, text=f"{stamp}: {rest}"))

    def _labelled(self, block: Block) -> None:
        """Read `Resolved: 2020-02-18 14:59`: a label, and a time that ends the line."""
        written = unmarked(block.text)
        match = _SOME_TIME.search(written)
        if match is None:
            return
        label = written[: match.start()].strip(" \t:-–—(=|")
        if DAY_OF_IT.fullmatch(label):
            self.day = whole_day(written[match.start() :], self.order) or self.day
            self._unread(block.number, written, "the day of the incident, not a time of something in it")
        elif label_of(label):
            self._line(block.number, written[match.start() :], in_timeline=True, is_label=True, text=label)

    def _line(
        self, number: int, stamped: str, *, in_timeline: bool = False, is_item: bool = False,
        is_label: bool = False, text: str | None = None, label: str | None = None,
    ) -> bool:  # fmt: skip
        """Read one line that should begin with a time; whether it does, or is listed as one that cannot be read."""
        try:
            read = read_stamp(stamped, day=self.day if in_timeline else None, near=self.day, order=self.order)
        except StampError as problem:
            self._unread(number, stamped, str(problem))
            return True
        if read is None:
            return False
        stamp, rest = read
        if is_label and rest.strip(" .)") and label is None and not re.fullmatch(r"\(.*\)?", rest.strip()):
            return False
        if not (is_item or is_label) and not stamp.has_clock:
            self._unread(number, stamped, "a sentence that begins with a day: what it dates is not clear")
            return True
        said = plain(rest if text is None else text)
        if stamp.end is not None and PLACEHOLDER.fullmatch(said):
            self._unread(number, stamped, "the words of a template")
            return True
        if not stamp.has_day and self.last_clock and stamp.start < self.last_clock - _BACK:
            stamp = replace(stamp, start=stamp.start + _ONE_DAY, end=stamp.end and stamp.end + _ONE_DAY)
        try:
            at, until, offset = self._placed(stamp)
        except StampError as problem:
            self._unread(number, stamped, str(problem))
            return True
        found = PastLine(at, said, number, until, label or label_of(said), offset)
        self.found.append((found, stamp))
        self.read_numbers.add(number)
        if in_timeline and stamp.has_clock:
            self.day, self.last_clock = stamp.day, stamp.start
        return True

    def _placed(self, stamp: Stamp) -> tuple[datetime, datetime | None, int]:
        if self.zone_problem and stamp.zone is None:
            raise StampError(self.zone_problem)
        first, last = spread(stamp)
        at = in_zone(first, stamp.zone or self.zone)
        until = in_zone(last, stamp.zone or self.zone).at if last else None
        if at.at > self.now:
            raise StampError("it is in the future")
        if at.at.year < 1970:
            raise StampError("it is before 1970")
        return at.at, until, at.utc_offset_minutes

    def _set_aside_wrong_years(self) -> None:
        """List a line that fits its neighbours but for its year: 2022-01-05 among days of January 2023."""
        exact = [(line, stamp) for line, stamp in self.found if line.label is None]
        wrong = set()
        for (before, _), (after, _) in pairwise(exact):
            gap = (after.at - before.at).total_seconds() / 86400
            if abs(abs(gap) - _YEAR_DAYS) <= 4 and len(exact) > 2:
                others = [line.at for line, _ in exact if line not in (before, after)]
                middle = sorted(others)[len(others) // 2]
                far = max((before, after), key=lambda line: abs(line.at - middle))
                wrong.add(far)
        for line in wrong:
            self._unread(line.line, line.text, "its year is not that of the lines around it")
        self.found = [(line, stamp) for line, stamp in self.found if line not in wrong]

    # ── the rest ──

    def _action(self, block: Block) -> None:
        if block.cells is not None:
            names = [name.lower() for name in block.header or []]
            column = next(
                (i for i, name in enumerate(names) if re.search(r"action|item|task|description|what", name)),
                0,
            )
            text = block.cells[column] if column < len(block.cells) else ""
        elif block.is_item:
            text = block.text
        elif self.past.actions and block.indent and self.past.actions[-1][0] == block.number - 1:
            self.past.actions[-1] = (block.number, f"{self.past.actions[-1][1]} {plain(block.text)}")
            return
        else:
            text = block.text
        said = plain(text)
        if not NO_ACTION.fullmatch(said):
            self.past.actions.append((block.number, said))
            self.read_numbers.add(block.number)

    def _unread(self, number: int, text: str, why: str) -> None:
        self.past.unread.append(Unread(number, plain(text), why))
        self.read_numbers.add(number)

    def _list_unread(self, blocks: list[Block]) -> None:
        for block in blocks:
            text = re.sub(
                r"https?://\S+|<https?:[^>]*>", "", " ".join(block.cells) if block.cells else block.text
            )
            if block.number in self.read_numbers or block.is_heading:
                continue
            if TEMPLATE_DATE.search(text):
                self._unread(block.number, text, "the words of a template")
            elif _DATED.search(text):
                self._unread(block.number, text, "a date inside a sentence: what it dates is not clear")
            elif block.cells is None and block.is_item and re.match(r"[*_\[(~]*\d{1,2}:\d{2}\b", text):
                self._unread(block.number, text, "a time without a day")

    def _notes(self, blocks: list[Block]) -> None:
        texts: dict[str, list[str]] = {}
        for block in blocks:
            kind = next((kind for kind, pattern in SECTIONS if pattern.fullmatch(block.section)), None)
            if (
                kind
                and not block.is_heading
                and block.cells is None
                and block.number not in self.read_numbers
            ):
                texts.setdefault(kind, []).append(plain(block.text))
        self.past.notes = [(kind, "\n".join(filter(None, rows))) for kind, rows in texts.items() if any(rows)]


def _plain_day(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None
