"""Who led, declared, wrote, deployed or noticed it, and how severe it was, as people say it and as the log has it."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from projections.claims.claim import Finding
from projections.claims.facts import Facts
from projections.claims.matching import own_stamps, retold, stamps_of
from projections.claims.prose import Sentence
from projections.claims.stamps import Stamp
from projections.claims.text import content_words, versions_in
from projections.claims.topics import Topic, clause_of, denied, in_plans, is_claim
from projections.claims.vocabulary import any_case, phrases, words_of
from projections.versions import plain_version
from tracker.events.changes import CommitMade
from tracker.text.patterns import lazy_pattern

_NAME = lazy_pattern(r"@?\b[A-Z][a-z][\w.-]*(?:\s+[A-Z][a-z][\w-]+){0,2}(?=['’]s?\b|\b)")
_OF_LEAD = any_case(r"^[^:|]{0,30}\b(?:lead|leader|commander|manager|IC)(?: of (?:the |this )?\w+)?\s*[:|–—]")
_DOERS = frozenset(
    ("declared", "resolved", "rolled back", "rolling back", "deployed", "deploying", "deploy failed", "reopened", "cause", "decided", "severity",
     "message", "hypothesis", "committed", "merged")
)  # fmt: skip
_SOURCES = ("alert", "customer", "person")
_FIRST = any_case(r"\b(?:first|ahead of|before (?:any|our|the) (?:alert|alarm|monitoring))\b")
_AHEAD = any_case(
    r"\b(?:before|ahead of|sooner than|earlier than|prior to|beat) (?:(?:our|the|any|all|an) )?(?:own )?(?:monitor|alert|alarm|pager)"
)
_CALLED = any_case(
    r"\W*(?:an?|some|several|many|two|three|the|our|a few|one of (?:the|our)|first )?\s*(?P<who>(?!alert|alarm|monitor|page|what|who|it\b|this|that)[a-z]+)(?: [a-z]+)? "
    r"(?:had )?(?:phoned|called|wrote|told us|complained|rang|e-?mailed|reported|contacted|tweeted|let us know|alerted us|got in touch)\b"
)
_RANG = any_case(r"\b(?:phoned|called|rang|complained|wrote)\b")
_THEN = any_case(r"\b(?:(?:only )?then|later|afterwards)\b")
_RELATIVE = any_case(
    r"\d|\b(?:later|after|then|too|also|minutes?|second|follow\w*|meanwhile|once|when|by the time)\b"
)
_DID = any_case(
    r"['’]?\s*(?:(?:then|also|had|has|finally|himself|herself|pressed|hit|the|a|an|button|for|started|did|made|began|ran|triggered|performed|executed|initiated|"
    r"was|is|the one|one|to|carried|out|kicked|off|finished|completed|issued|who|took|care|of|down|which|,)\s*)*"
)
_OWN = lazy_pattern(r"(?<=\w)['’]s?\s+(?:[a-z-]+\s+){0,2}?(?:change|patch|fix|commit|hotfix)\b")
_OF_CODE = any_case(r"\b(?:change|patch|fix|hotfix|commit|code|release|v?\d+\.\d+)")
_OTHER = any_case(
    r"[,;:]|\b(?:told|asked|for|with|by|that|when|after|before|whether|if|to|from|who|he|she|they|we|it|his|her|their|not|never|had been|was|were|about|of|on|until|till|through|since|during|up)\b"
)
_LEVELS = ("critical", "major", "minor")
_LEVEL = any_case(r"\b(critical|major|minor)\b")
_NEVER_LEVEL = any_case(
    r"\b(?:never|not once|at no (?:time|point|stage))\b(?: was| were| did)?(?: it| this| we| the incident)?[a-z ]{0,20}?"
    r"(?P<more>\b(?:more|worse|higher|above|beyond|over)\b(?: than)?)?\s*(?:an? )?(?P<level>critical|major|minor)\b"
)
_OF_LEVEL = any_case(
    r"\bseverity\b|\bincident\b|\bSEV\b|\b(?:raised|lowered|upgraded|downgraded|down|up|escalated|treated|classed|rated|opened|declared)\b"
)


def check_people(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find the names in a sentence that the log contradicts."""
    text = sentence.text
    if sentence.heading or facts.incident is None or not is_claim(text):
        return
    if in_plans(sentence) or sentence.under("lessons"):
        return
    names = _names(text, facts)
    if field := re.match(r"^[^:|]{0,30}[:|]\s*@([a-z][\w.-]+)", text):
        names.append((field[1], field.start(1), field.end(1)))
    yield from _lead(text, names, facts)
    yield from _author(text, names, facts)
    yield from _doer(text, names, facts)
    yield from _detector(text, facts, outside=sentence.under("detect"))
    yield from _severity(text, facts)
    yield from _severity_then(text, facts)


def _names(text: str, facts: Facts) -> list[tuple[str, int, int]]:
    found = []
    for match in _NAME.finditer(text):
        words = match[0].lstrip("@").split()
        start = match.start()
        while words and words[0].lower() in words_of("no names"):
            start += len(words.pop(0)) + 1
        if words:
            found.append((" ".join(words).removesuffix("'s"), start, match.end()))
    return found


def is_known(name: str, facts: Facts) -> bool:
    return any(part in facts.people for part in re.split(r"[\s@._-]+", name.lower()))


def same_person(first: str, second: str) -> bool:
    """Whether two names can be of one person: John, John Doe, john.doe and @john-dev are."""
    one, two = (
        {part for part in re.split(r"[\s@._-]+", name.lower().strip("@ .,'")) if len(part) > 1}
        for name in (first, second)
    )
    return bool(one & two)


def _one_of(name: str, people: set[str], facts: Facts) -> bool:
    """Whether a name, or who bears it by another name that the log has, is among these."""
    aliases = {
        name,
        *(whole for part in re.split(r"[\s._-]+", name.lower()) for whole in facts.people.get(part, ())),
    }
    return any(same_person(alias, other) for alias in aliases for other in people)


def _lead(text: str, names: list[tuple[str, int, int]], facts: Facts) -> Iterator[Finding]:
    leads = _leads(text, facts)
    people = {each.by for each in leads if each.by}
    field = _OF_LEAD.match(text)
    for match in [field] if field else phrases("lead").finditer(text) if people else ():
        left, right = clause_of(text, match.start(), match.end())
        passive = (
            re.match(r"\s*(?:by|was|were|is|:|\|)", text[match.end() :])
            or re.match(
                r"\s*(?:role |reins |command )?(?:went|passed|moved|was handed|was passed|changed)\b[^,;.]* to\b",
                text[match.end() :],
            )
            or field
        )
        within = [each for each in names if left <= each[1] < (len(text) if field else right)]
        near = [each for each in within if (each[1] >= match.end() if passive else each[2] <= match.start())]
        if not near or denied(text, match.start(), match.end()):
            continue
        name = (near[-1] if passive and passive[0].endswith(" to") else near[0] if passive else near[-1])[0]
        if people and not _one_of(name, people, facts):
            words = text[min(match.start(), near[0][1]) : max(match.end(), near[-1][2])]
            yield Finding("name", "lead", words, leads[-1:], values=tuple(sorted(people)))
            return


def _leads(text: str, facts: Facts) -> tuple[Stamp, ...]:
    """Return who led; in the outage that a sentence names by its number, if it does."""
    leads = facts.of("lead")
    which = next(
        (each.which for each in facts.topics(text) if each.point == "outage" and each.which is not None), None
    )
    if which is None or len(facts.outages) < 2 or not -len(facts.outages) <= which < len(facts.outages):
        return leads
    ends = facts.outages[which][1]
    return tuple(each for each in leads if not ends or each.at <= max(s.at for s in ends))[-1:]


def _author(text: str, names: list[tuple[str, int, int]], facts: Facts) -> Iterator[Finding]:
    match = phrases("author").search(text) or _OWN.search(text)
    if match is None:
        return
    made = [(one.id, one.event) for one in facts.commits if isinstance(one.event, CommitMade)]
    commits = [each for each in made if not each[1].is_merge]
    if not commits or not _OF_CODE.search(text) or denied(text, match.start(), match.end()):
        return
    by = f"{match[0]}{text[match.end() :]}"
    near = [
        (min(abs(start - match.end()), abs(match.start() - end)), name)
        for name, start, end in names
        if is_known(name, facts)
        or (abs(start - match.end()) < 8 and " by" in by[: len(match[0]) + max(start - match.end(), 0)])
    ]
    versions = set(versions_in(text))
    built = _built(versions, facts) if versions else (facts.begins, None)
    if built is None:
        return
    since, until = built
    own = [
        each
        for each in commits
        if (since is None or each[1].occurred_at >= since) and (until is None or each[1].occurred_at <= until)
    ]
    authors = {commit.author for _, commit in own}
    if near and authors and not _one_of(min(near)[1], authors, facts):
        events = tuple(event for event, _ in own[:3])
        yield Finding("name", "author", text[:160], values=tuple(sorted(authors)), events=events)


def _built(versions: set[str], facts: Facts) -> tuple[datetime | None, datetime | None] | None:
    """Return between which instants the commits of a version were made: since the deploy before its own; None if unknown."""
    rows = sorted((r for r in facts.earlier if r.kind == "deploy"), key=lambda row: row.at)
    for number, row in enumerate(rows):
        if plain_version(row.version) in versions:
            before = [r.at for r in rows[:number] if r.service == row.service]
            return (before[-1] + timedelta(microseconds=1) if before else None), row.at
    return None


def _doer(text: str, names: list[tuple[str, int, int]], facts: Facts) -> Iterator[Finding]:
    """Compare "Kim deployed it" and "deployed by Kim" with who did."""
    topics = facts.topics(text)
    if all(topic.point != "cause" for topic in topics) and (find := phrases("telling/found").search(text)):
        # "Kim found the full disks": what was found are the words of the root cause.
        words = content_words(text[find.end() : clause_of(text, *find.span(), wide=True)[1]]) - facts.general
        common = words & content_words(" ".join(facts.root_cause_texts))
        topics += (Topic("cause", *find.span(), find[0]),) if 1 < len(common) >= len(words - common) else ()
    for topic in topics:
        if topic.point not in _DOERS or topic.negated:
            continue
        # Who said that it was over is not who closed it, and who wrote some note is not who suspected it.
        meant = [
            s
            for each in topics
            for s in (
                own_stamps if each is topic and each.point in ("resolved", "hypothesis") else stamps_of
            )(each, text, facts)
        ]
        doers = {stamp.by for stamp in meant if stamp.by}
        stamps = [each for each in own_stamps(topic, text, facts) if each.by]
        if topic.point in ("rolled back", "rolling back"):
            stamps = [each for each in facts.of("rolled back", "rolling back") if each.by]
        people = {each.by for each in stamps if each.by and is_known(each.by, facts)}
        if not people:
            continue
        left, right = clause_of(text, topic.start, topic.end, wide=True)
        rest = text[topic.end : right + 2 if len(text) < 60 else right]
        by = re.match(r"[^,;.]{0,40}?\bby\s+", rest) or re.match(
            r"[^,;.]{0,40}?(?:\b(?:was|to)\s+|[:|]\s*)", rest
        )
        after = [each for each in names if by and abs(each[1] - topic.end - by.end()) < 2]
        before = [each for each in names if left <= each[1] and 0 <= topic.start - each[2] <= 45]
        if before and not _DID.fullmatch(text[before[-1][2] : topic.start]):
            between = text[before[-1][2] : topic.start]
            free = (
                len(before) == 1
                and not _OTHER.search(between)
                and not re.search(r"\b(?:was|were|been|is|got)\s*$", between)
            )
            before = before if free and before[-1][1] <= left + 3 else []
        for name, start, end in [*after[:1], *before[-1:]]:
            if topic.point in ("committed", "merged", "deployed", "deploying", "confirmed") and not is_known(
                name, facts
            ):
                continue
            if name.lower() in facts.general or not (is_known(name, facts) or (name, start, end) in after):
                continue
            if _one_of(name, people | doers, facts) or _one_of(name, _involved(text, facts), facts):
                continue
            yield Finding(
                "name",
                "doer",
                text[min(start, topic.start) : max(end, topic.end)],
                tuple(stamps[:2]),
                values=tuple(sorted(people)),
            )
            return


def _involved(text: str, facts: Facts) -> set[str]:
    """Return who did what a sentence retells."""
    found = {stamp.by for stamp in retold(text, facts) if stamp.by}
    for note in facts.noted_texts:
        if len(content_words(note) & content_words(text)) >= 3:
            found |= {name for name, _, _ in _names(note, facts)}
    return found


def _detector(text: str, facts: Facts, *, outside: bool) -> Iterator[Finding]:
    """Compare who or what is said to have noticed it first with what was recorded; `outside` says that somebody who called did."""
    by = facts.incident.detected_by if facts.incident else None
    said = text
    for name in facts.alert_names:
        text = re.sub(rf"\b{re.escape(name)}\b", "alert".ljust(len(name)), text, flags=re.IGNORECASE)
    ahead = _AHEAD.search(text) if by == "alert" and facts.of("alerted") else None
    if ahead and not denied(text, *ahead.span()):
        early = [s for s in facts.of("reported") if s.at <= facts.of("alerted")[0].at]
        before = any(
            phrases(f"words/{name}").search(text, 0, ahead.start()) for name in ("customer", "person")
        )
        if not early and (before or _RANG.search(text, 0, ahead.start())):
            yield Finding(
                "name", "detector", said[:160], facts.of("detected", "declared")[:1], values=("alert",)
            )
            return
    told = facts.names_customers
    unasked = outside and not told and by in ("alert", "person") and not _RELATIVE.search(text)
    unasked = unasked and all(topic.point != "alerted" for topic in facts.topics(text))
    if unasked and (called := _CALLED.match(text)) and not is_known(called["who"], facts):
        yield Finding("name", "detector", said[:160], facts.of("detected", "declared")[:1], values=(str(by),))
        return
    noticed = phrases("detected").search(text) or (
        phrases("seen").search(text) if _FIRST.search(text) else None
    )
    if by not in _SOURCES or not noticed or denied(text, *noticed.span()):
        return
    whole = len(text) <= 40 or re.search(
        r"\b(?:that|this|which)(?:'s| is| was) (?:how|what|when)\b", text, re.IGNORECASE
    )
    left, right = (0, len(text)) if whole else clause_of(text, *noticed.span(), wide=True)
    sources = {
        name
        for name in _SOURCES
        for match in phrases(f"words/{name}").finditer(text, left, right)
        if not denied(text, *match.span())
    }
    if "report" in noticed[0].lower() and by == "alert":
        return
    # "Support told us first, then the alert fired" has both, and "the alert told us, no customer had to" but one.
    later = _THEN.search(text, right)
    every = {
        name
        for name in _SOURCES
        for match in phrases(f"words/{name}").finditer(text, 0, later.start() if later else len(text))
        if not denied(text, *match.span())
    }
    if sources and by not in every and not (by == "person" and "customer" in sources and told):
        if "customer" in sources and re.search(r"\bfirst (?:customer|report|user)", text, re.IGNORECASE):
            return
        events = facts.of("detected", "declared")[:1]
        yield Finding("name", "detector", said[left:right].strip(" ,;"), events, values=(by,))


def _severity(text: str, facts: Facts) -> Iterator[Finding]:
    held = {name for stamp in facts.of("severity", "declared") for name in stamp.names}
    if never := _NEVER_LEVEL.search(text):
        highest = min((_LEVELS.index(name) for name in held & set(_LEVELS)), default=len(_LEVELS))
        level = _LEVELS.index(never["level"].lower())
        if highest < level if never["more"] else never["level"].lower() in held:
            yield Finding("negation", "changed", text[:160], facts.of("severity"))
            return
    for match in _LEVEL.finditer(text):
        left, right = clause_of(text, match.start(), match.end()) if len(text) > 50 else (0, len(text))
        if (
            not held
            or match[1].lower() in held
            or not _OF_LEVEL.search(text, left, right)
            or denied(text, *match.span())
        ):
            continue
        if re.search(r"\b(?:alert|alarm|release|version)\b", text[left:right], re.IGNORECASE):
            continue
        yield Finding(
            "name",
            "severity",
            text[left:right].strip(" ,;"),
            _latest(facts),
            values=tuple(sorted(held & set(_LEVELS))),
        )
        return


def _severity_then(text: str, facts: Facts) -> Iterator[Finding]:
    """Find a severity that it had at another time than at its beginning, or its end."""
    levels = [name for s in facts.of("severity") for name in s.names if name in _LEVELS]
    for where, which in (("opening", 0), ("closing", -1)):
        for when in phrases(f"telling/{where}").finditer(text) if len(set(levels)) > 1 else ():
            left, right = clause_of(text, *when.span(), wide=True)
            named = {match[1].lower() for match in _LEVEL.finditer(text, left, right)}
            if named and levels[which] not in named and not denied(text, *when.span()):
                yield Finding(
                    "name",
                    "severity",
                    text[left:right].strip(" ,;"),
                    facts.of("severity"),
                    values=(levels[which],),
                )
                return


def _latest(facts: Facts) -> tuple[Stamp, ...]:
    return facts.of("severity")[-1:]
