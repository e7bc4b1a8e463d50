"""Of several statements about one thing the best is shown, and none is lost."""

from hypothesis import given
from hypothesis import strategies as st

from projections.deduplication import deduplicate
from tests.builders import commit, issue, merge_commit, recorded
from tracker.events.base import Event
from tracker.events.corrections import effective


def shown(*events: Event) -> list[Event]:
    facts = effective(recorded(*events)).values()
    return sorted((best.event for best, _ in deduplicate(facts)), key=lambda event: event.occurred_at)


def step(minute: float, action: str, **fields):
    return issue(
        minute, action=action, **{"issue_id": "7", "event_count": None, "user_count": None, **fields}
    )


def test_a_step_has_the_instant_that_the_history_names():
    """
    The webhook knew only the last error before it, and told of the same step.
    """
    by_webhook, by_poll = step(5, "resolved", event_count=31), step(10, "resolved")

    assert shown(by_webhook, by_poll) == [by_poll]
    (joined,) = deduplicate(effective(recorded(by_webhook, by_poll)).values())
    assert {each.event for each in joined[1]} == {by_webhook, by_poll}


def test_two_steps_stay_two():
    """
    Resolved, back, resolved again; and two webhooks may tell of two steps though nothing is known between.
    """
    again = [step(5, "resolved"), step(6, "regressed"), step(9, "resolved")]
    by_webhook = [step(5, "regressed", event_count=3), step(9, "regressed", event_count=8)]
    others = [step(5, "resolved", event_count=3), step(9, "resolved", issue_id="8")]

    assert shown(*again) == again
    assert shown(*by_webhook) == by_webhook
    assert shown(*others) == others


def test_something_between_keeps_them_apart():
    """
    What came back in between was resolved twice.
    """
    steps = [step(5, "resolved", event_count=3), step(6, "regressed", event_count=4), step(9, "resolved")]

    assert shown(*steps) == steps


def test_a_merge_stays_one_when_a_pipeline_tells_of_it_too():
    """
    sentry-cli knows no parents: shown is what the clone said.
    """
    by_clone = merge_commit(13, source="git")
    by_pipeline = merge_commit(13, source="sentry:acme", parents=(), changed_paths=("a.py",))

    assert shown(by_pipeline, by_clone) == [by_clone]
    assert shown(
        commit(13, parents=(), files_changed=1, lines_added=2), commit(13, parents=(), files_changed=1)
    ) == [commit(13, parents=(), files_changed=1, lines_added=2)]


@given(
    steps=st.lists(
        st.builds(
            step,
            st.integers(min_value=0, max_value=9),
            st.sampled_from(["created", "resolved", "regressed", "assigned"]),
            event_count=st.none() | st.integers(min_value=1, max_value=3),
        ),
        max_size=8,
        unique=True,
    ),
    data=st.data(),
)
def test_no_statement_is_lost_and_their_order_does_not_matter(steps, data):
    """
    Each stands in exactly one group.
    """
    groups = deduplicate(effective(recorded(*steps)).values())
    mixed = deduplicate(effective(recorded(*data.draw(st.permutations(steps)))).values())

    assert sorted(each.id for _, same in groups for each in same) == sorted(
        {each.id for _, same in mixed for each in same}
    )
    assert len({each.id for _, same in groups for each in same}) == sum(len(same) for _, same in groups)
    assert {best.id for best, _ in groups} == {best.id for best, _ in mixed}
