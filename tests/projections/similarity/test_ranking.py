"""Is it the same thing again? Evidence first, words second, and a claim only with enough of either."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.similarity import IncidentText, rank
from projections.similarity.words import words

FREQUENT = [
    "service",
    "returned",
    "errors",
    "after",
    "deploy",
    "users",
    "saw",
    "failed",
    "requests",
    "rolled",
    "back",
    "pods",
    "latency",
    "alert",
]


def made(n, seed=1):
    """Incidents of one company: half of the words are the usual ones, the rest are rarely the same."""
    r = random.Random(seed)
    names = ["".join(r.choice("abcdefghiklmnoprstuvz") for _ in range(7)) for _ in range(3000)]

    def text(length):
        return " ".join(r.choice(FREQUENT) if r.random() < 0.5 else r.choice(names) for _ in range(length))

    return [
        IncidentText(
            f"INC-{at}",
            text(5),
            text(80),
            alerts=("HighErrorRatio",) if r.random() < 0.4 else (),
            files=("CHANGELOG.md",) if r.random() < 0.4 else (),
        )
        for at in range(n)
    ]


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("alerts", "DiskQuotaExhausted", "same alert rule: DiskQuotaExhausted"),
        ("fingerprints", "computed:1f0a", "same error group: computed:1f0a"),
        ("files", "src/ledger/book.py", "same file: src/ledger/book.py"),
        ("versions", "ledger@2.4.1", "same version: ledger@2.4.1"),
    ],
)
def test_rare_evidence_is_claimed_whatever_the_words_are(kind, value, reason):
    """
    It is the first match, with the value as its reason.
    """
    earlier = made(120)
    earlier[40] = IncidentText(
        "INC-40", "the books do not close", "a ledger stands still", **{kind: (value,)}
    )
    query = IncidentText("INC-200", "quarter end is late", "postings wait for a lock", **{kind: (value,)})

    first = rank(query, earlier)[0]

    assert (first.id, first.claimed) == ("INC-40", True)
    assert first.reasons[0] == reason


def test_what_everybody_has_is_no_reason_for_a_claim():
    """
    The usual alert, the usual file and the usual words.
    """
    incidents = made(200)

    claimed = [query.id for query in incidents if any(match.claimed for match in rank(query, incidents))]

    assert len(claimed) <= 4


def test_the_same_story_in_almost_the_same_words_is_claimed():
    """
    Endings and case do not matter; the words that both have are named.
    """
    earlier = made(120)
    earlier[7] = IncidentText(
        "INC-7",
        "Kafka exporter returns no metrics",
        "The exporter lost its broker certificates, dashboards of consumer lag were empty until it was restarted",
    )
    query = IncidentText(
        "INC-200",
        "No metrics from the Kafka exporter",
        "Exporters had an expired certificate for the broker; consumer lag dashboards were empty",
    )

    first = rank(query, earlier)[0]

    assert (first.id, first.claimed) == ("INC-7", True)
    assert first.reasons[0].startswith("words in both: ")
    assert "kafka" in first.reasons[0]


def test_with_one_earlier_incident_nothing_is_claimed():
    """
    Nobody knows yet what is usual here.
    """
    text = IncidentText("INC-1", "checkout is down", "pool exhausted", alerts=("HighErrorRatio",))
    query = IncidentText(
        "INC-2", "checkout fails", "the pool was exhausted again", alerts=("HighErrorRatio",)
    )

    [match] = rank(query, [text])

    assert not match.claimed
    assert match.reasons
    assert rank(query, []) == []


def test_only_the_first_so_many_may_match_and_the_incident_itself_never_does():
    """
    The others say what is usual all the same.
    """
    incidents = made(60)
    query = incidents[30]

    ids = {match.id for match in rank(query, incidents, first=30)}

    assert ids <= {f"INC-{at}" for at in range(30)}
    assert query.id not in {match.id for match in rank(query, incidents)}


def test_a_list_that_was_changed_is_read_again():
    """
    What was prepared for it does not outlive its incidents.
    """
    earlier = made(40)
    query = IncidentText("INC-200", "ledger", "", alerts=("DiskQuotaExhausted",))
    assert not any(match.claimed for match in rank(query, earlier))

    earlier[3] = IncidentText("INC-3", "", "", alerts=("DiskQuotaExhausted",))

    assert rank(query, earlier)[0].id == "INC-3"


TEXT = st.text("abcde -_.5é\n", max_size=40)
VALUES = st.lists(st.sampled_from(["a", "b", "c/d.py"]), max_size=2).map(tuple)
INCIDENTS = st.lists(
    st.builds(
        IncidentText,
        id=st.uuids().map(str),
        title=TEXT,
        text=TEXT,
        alerts=VALUES,
        files=VALUES,
        versions=VALUES,
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)


@given(INCIDENTS)
def test_every_reason_names_something_that_stands_in_both(incidents):
    """
    And scores are in order, from 0 to 1.
    """
    by_id = {one.id: one for one in incidents}
    for query in incidents:
        matches = rank(query, incidents)

        assert [match.score for match in matches] == sorted((match.score for match in matches), reverse=True)
        for match in matches:
            other = by_id[match.id]
            assert 0 <= match.score <= 1
            assert match.reasons
            for reason in match.reasons:
                kind, _, value = reason.partition(": ")
                for word in value.split(", "):
                    if kind == "words in both":
                        assert all(word in f"{one.title} {one.text}".lower() for one in (query, other))
                    else:
                        assert any(
                            value in getattr(query, name) and value in getattr(other, name)
                            for name in ("alerts", "files", "versions")
                        )


def test_words_are_cut_to_what_they_have_in_common():
    """
    Addresses, front matter, frequent words and amounts are none; a status code is one.
    """
    text = "---\ntitle: no\n---\nThe deployments at https://x.test/y deployed 12345 nodes, 503 of k8s-node_1 in 14:503"

    assert [stem for stem, _ in words(text)] == ["deploy", "deploy", "node", "503", "k8s-node_1"]
