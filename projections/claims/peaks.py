"""Shares and heights as written, compared with the samples of the log."""

import re
from collections.abc import Iterator

from projections.claims.amounts import Amount, counts_in, shares_in
from projections.claims.claim import Finding
from projections.claims.facts import Facts
from projections.claims.prose import Sentence
from projections.claims.topics import is_claim, is_setting
from projections.claims.vocabulary import any_case, phrases

ASKED = any_case(
    r"%|percent|per cent|\b(?:half|third|quarter|tenth|fifth|digits?|one in|out of|in (?:two|three|four|five|ten)|peak\w*|worst|highest|height|every (?:second|third))\b|\b\w+[ _]ratio\b"
)
"""A text without these words needs no samples."""
_PEAK = any_case(
    r"\b(?:peak\w*|worst|at most|highest|height|maximum|maxed|topped|at no (?:time|point)|never|entire time|throughout|stayed)\b"
)
_FAILING = any_case(
    r"\b(?:error\w*|go\w* wrong|went wrong|fail\w*|5xx|500s?|broken|did not go through|could not|unable|refused|affected|hit|wrong|late|twice)\b"
)
_ELSE = any_case(
    r"\b(?:of (?:the )?(?:orders?|customers|users|budget|pods|team|cpu|memory|disk|capacity)|alert|threshold|more than usual|of the day|deployed to|canary)\b"
)


def _is_noted(share: Amount, facts: Facts) -> bool:
    """Whether somebody noted a share that agrees: what people saw on a dashboard is not what was sampled."""
    links = facts.incident.links.values() if facts.incident else ()
    texts = [*facts.noted_texts, *(link.why or "" for link in links)]
    return any(share.fits(noted.low, noted.high) for text in texts for noted in shares_in(text[:2000]))


def check_peaks(sentence: Sentence, facts: Facts) -> Iterator[Finding]:
    """Find shares of what failed that no sample shows; "rose to" may be any height below the highest."""
    text = sentence.text
    if sentence.heading or not facts.peaks or text.endswith("?") or text.count(" | ") > 2:
        return
    heights = sorted(
        {height for values, unit in facts.peaks.values() if unit in ("ratio", "percent") for height in values}
    )
    peak = _PEAK.search(text)
    for share in shares_in(text) if heights else ():
        if not (_FAILING.search(text) or phrases("hit").search(text)) or _ELSE.search(
            text, max(share.start - 25, 0), share.end + 40
        ):
            continue
        if is_setting(text, share.start, share.end) or not is_claim(text, share.start, share.end):
            continue
        highest = heights[-1]
        slack = max(share.grain, 0.06 * highest)
        never = re.search(r"\bat no (?:time|point)|\bnever\b", text, re.IGNORECASE)
        if share.bound == "least" and never:
            wrong = highest > share.high + slack
        elif share.bound == "least":
            wrong = highest < share.low - slack
        elif share.bound == "most":
            wrong = bool(peak) and highest > share.high + slack
        else:
            wrong = share.low > highest + slack or (
                peak is not None
                and not any(abs(share.low - h) <= max(share.grain, 0.06 * h) for h in heights)
            )
        if wrong and (share.bound in ("most", "least") or not _is_noted(share, facts)):
            metric = max(
                (m for m in facts.peaks if facts.peaks[m][1] in ("ratio", "percent")),
                key=lambda m: max(facts.peaks[m][0]),
            )
            yield Finding("peak", "share", text[:160], values=(metric, f"{highest:.3g} %"))
            return
    for metric, (values, unit) in facts.peaks.items():
        words = [
            word
            for word in re.split(r"[_\W]+", metric.lower())
            if word not in ("total", "count", "ratio", "seconds")
        ]
        if (
            unit in ("ratio", "percent")
            or peak is None
            or not words
            or not all(word.rstrip("s") in text.lower() for word in words)
        ):
            continue
        for value, start, end in counts_in(text):
            if (
                value >= 10
                and not is_setting(text, start, end)
                and unit == "count"
                and not any(abs(value - h) <= 0.1 * h for h in values)
            ):
                yield Finding("peak", "height", text[:160], values=(metric, f"{max(values):.4g}"))
                return
