"""What is said of an alert rule that was judged by what it led to."""

from typing import Any

from projections.alert_rules import RuleJudged, Share
from tracker.times import spoken

_MOST_NAMED = 5


def says(rule: RuleJudged) -> str:
    """Say in a sentence or two what a rule did, each share with its interval."""
    if not rule.fired:
        missed = f", though {rule.recall.n} incidents of its service are known" if rule.recall.n else ""
        return f"never fired{missed}."
    times = "once" if rule.fired == 1 else f"{rule.fired} times"
    led = f"fired {times}; {_share(rule.precision, 'firing')} led to an incident"
    if not rule.led_to_incident:
        led = f"fired {times} and never led to an incident"
    parts = [led]
    if rule.recall.n:
        parts.append(f"it fired in {_share(rule.recall, 'incident')} of its service")
    if rule.detection_seconds is not None:
        side = "before" if rule.detection_seconds < 0 else "after"
        parts.append(f"{spoken(abs(rule.detection_seconds))} {side} the start{_of(rule.detection_n)}")
    if rule.reset_seconds is not None:
        side = "before" if rule.reset_seconds < 0 else "after"
        parts.append(f"it stopped {spoken(abs(rule.reset_seconds))} {side} the end{_of(rule.reset_n)}")
    if rule.after_customer:
        many = len(rule.after_customer)
        named = ", ".join(rule.after_customer[:_MOST_NAMED])
        more = f" and {many - _MOST_NAMED} more" if many > _MOST_NAMED else ""
        parts.append(f"a customer was faster in {named}{more}")
    return "; ".join(parts) + "."


def figures(rule: RuleJudged) -> dict[str, Any]:
    """Return what is known of a rule by name, as JSON and tables have it."""
    shares = {"precision": rule.precision, "recall": rule.recall}
    return {
        "rule": rule.rule,
        "service": rule.service,
        "fired": rule.fired,
        "led_to_incident": rule.led_to_incident,
        **{
            f"{name}{end}": getattr(share, end.strip("_") or "value")
            for name, share in shares.items()
            for end in ("", "_low", "_high")
        },
        "recall_n": rule.recall.n,
        "detection_seconds": rule.detection_seconds,
        "detection_n": rule.detection_n,
        "reset_seconds": rule.reset_seconds,
        "reset_n": rule.reset_n,
        "n": rule.fired,
        "after_customer": rule.after_customer,
        "incidents": rule.incidents,
        "defined": rule.is_defined,
        "says": says(rule),
    }


def _share(share: Share, what: str) -> str:
    plural = what if share.n == 1 else f"{what}s"
    if share.low is None or share.high is None:
        return f"{share.of} of {share.n} {plural}"
    return f"{share.of} of {share.n} {plural} ({100 * share.low:.0f} to {100 * share.high:.0f} %)"


def _of(n: int) -> str:
    return "" if n == 1 else f" (median of {n} incidents)"
