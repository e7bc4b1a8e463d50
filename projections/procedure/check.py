"""All rules of the procedure in their order, and what was waived of them."""

from projections.procedure.rule import Evidence, Rule, Ruled

RULES: tuple[tuple[str, Rule], ...] = ()
"""Each rule by its name; a new one is one function and one line here."""


def check(evidence: Evidence) -> list[Ruled]:
    """Hold every rule against the evidence."""
    return [rule(evidence) for _, rule in RULES]
