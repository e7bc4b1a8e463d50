"""What people said of the procedure: a rule, or a finding in the prose, that is not to be held against an incident."""

from tracker.events.base import Decision, topic


@topic("rule-waived", rank=86)
class RuleWaived(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody said that a rule does not count here, and why; to take that back is to retract it.

    `rule` is the name of a rule of the procedure, or the key of a claim that `tracker check` printed.
    """

    rule: str
    why: str
