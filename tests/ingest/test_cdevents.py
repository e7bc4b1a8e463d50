"""CDEvents tell of deploys, rollbacks and the incidents of others, whichever form they come in."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ingest.feeds import RULES, anything, changed, damaged, events, ids, payload, read_or_refused
from tracker.errors import BadInputError
from tracker.events.alerts import OutsideIncidentReported
from tracker.events.changes import DeployFinished, RollbackFinished
from tracker.ingest.cdevents import Artifact, read, read_artifact

FEED = payload("cdevents.jsonl")
DEPLOYED, DETECTED, TESTED, ROLLED_BACK, WRAPPED, RESOLVED = (json.loads(line) for line in FEED.splitlines())


def body(value: Any) -> bytes:
    return json.dumps(value).encode()


def told(value: Any) -> Any:
    """Read one document that tells of one event."""
    (event,) = events(read(body(value), where="feed", rules=RULES))
    return event


def wrapped(native: Any, **attributes: Any) -> dict[str, Any]:
    """Put a CDEvent into a CloudEvent."""
    context = native["context"]
    return {
        "specversion": "1.0",
        "type": context["type"],
        "source": context["source"],
        "id": context["id"],
        "time": context["timestamp"],
        "data": native,
        **attributes,
    }


def test_a_feed_is_deploys_rollbacks_and_incidents() -> None:
    """
    Each line that is wanted is an event, in order; a test run is left out.
    """
    found = read(FEED, where="feed", rules=RULES)

    assert [each.event.TOPIC for each in found] == [
        "deploy-finished",
        "outside-incident-reported",
        "rollback-finished",
        "deploy-finished",
        "outside-incident-reported",
    ]
    assert [each.payload for each in found] == [
        line for line in FEED.splitlines() if b"testcaserun" not in line
    ]
    assert ids(read(FEED + FEED, where="feed", rules=RULES)) == 2 * ids(found)


def test_a_deploy_is_a_version_in_an_environment() -> None:
    """
    The version is the tag that people call it by, the service and environment the ends of their paths.
    """
    assert told(DEPLOYED) == DeployFinished(
        occurred_at=datetime(2026, 3, 1, 14, 40, tzinfo=UTC),
        precision_seconds=1.0,
        source="/ci/main",
        service="checkout",
        version="v1.2.1",
        environment="production",
        run_id="run-1",
    )


def test_a_rollback_keeps_the_offset_that_its_sender_wrote() -> None:
    """
    The instant is in UTC; that it was 14:50 there is kept.
    """
    undone = told(ROLLED_BACK)

    assert isinstance(undone, RollbackFinished)
    assert undone.occurred_at == datetime(2026, 3, 1, 13, 50, tzinfo=UTC)
    assert (undone.version, undone.utc_offset_minutes) == ("v1.2.0", 60)


def test_an_incident_of_others_has_its_steps() -> None:
    """
    Detected and resolved are two steps of one incident.
    """
    assert told(DETECTED) == OutsideIncidentReported(
        occurred_at=datetime(2026, 3, 1, 14, 44, 30, 250000, tzinfo=UTC),
        source="/monitoring",
        service="checkout",
        outside_id="incident-123",
        status="detected",
        title="Response time above 100 ms",
        environment="production",
        artifact="pkg:oci/checkout@sha256%3Aa2f8c3?repository_url=registry.example/shop&tag=v1.2.1",
    )
    resolved = told(RESOLVED)
    assert (resolved.status, resolved.outside_id, resolved.service) == (
        "resolved",
        "incident-123",
        "checkout",
    )


def test_a_commit_that_was_deployed_is_known_by_its_hash() -> None:
    """
    pkg:github names a commit where an image names a tag.
    """
    upgraded = told(WRAPPED)

    assert isinstance(upgraded, DeployFinished)
    assert upgraded.sha == upgraded.version == "3f1b9c7e2a5d4e6f8091a2b3c4d5e6f708192a3b"


@pytest.mark.parametrize("native", [DEPLOYED, DETECTED, ROLLED_BACK, RESOLVED])
def test_inside_of_a_cloudevent_it_is_the_same_event(native: Any) -> None:
    """
    The envelope is a way of sending; the fact is what is in it.
    """
    same = [
        wrapped(native),
        wrapped(native, id="other", time="2027-01-01T00:00:00Z"),
        wrapped(native, data=json.dumps(native)),
        wrapped(native, data=None, data_base64=base64.b64encode(body(native)).decode()),
    ]

    assert all(told(each) == told(native) for each in same)


def test_a_cloudevent_may_hold_the_content_alone() -> None:
    """
    Subject, time and source are then the CloudEvent's own.
    """
    bare = wrapped(DEPLOYED, subject="checkout", data=DEPLOYED["subject"]["content"])

    assert told(bare) == told(DEPLOYED)


def test_a_batch_is_a_list() -> None:
    """
    The bytes of each are kept, not those of all.
    """
    found = read(body([DEPLOYED, TESTED, wrapped(DETECTED)]), where="feed", rules=RULES)

    assert [each.payload for each in found] == [body(DEPLOYED), body(wrapped(DETECTED))]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("dev.cdevents.service.deployed.v1", True),
        ("dev.cdevents.service.deployed.0.1.0-draft", True),
        ("dev.cdevents.service.deployed", True),
        ("dev.cdevents.service.deployedagain.0.1.0", False),
        ("dev.cdevents.service.removed.0.3.0", False),
        ("dev.cdevents.service.published.0.3.0", False),
        ("dev.cdevents.incident.deployed.0.3.0", False),
        ("com.example.dev.cdevents.service.deployed.0.3.0", False),
    ],
)
def test_a_type_is_known_without_its_version(kind: str, wanted: bool) -> None:
    """
    Each release of the specification has versions of its own; what is not known is left out.
    """
    assert len(read(body(changed(DEPLOYED, context__type=kind)), where="feed", rules=RULES)) == wanted


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("pkg:oci/checkout@sha256%3Aa2f8?tag=v1.2.1", Artifact("v1.2.1", "checkout")),
        ("pkg:oci/checkout@sha256%3Aa2f8", Artifact("sha256:a2f8", "checkout")),
        ("pkg:oci/checkout?tag=v1.2.1%2B5", Artifact("v1.2.1+5", "checkout")),
        ("pkg:npm/%40acme/checkout@1.4.2-rc.1+build5#dist", Artifact("1.4.2-rc.1+build5", "checkout")),
        ("pkg:github/acme/checkout@" + "a" * 40, Artifact("a" * 40, "checkout", "a" * 40)),
        ("registry.example:5000/shop/checkout:v1.2.1", Artifact("v1.2.1", "checkout")),
        ("registry.example:5000/shop/checkout@sha256:a2f8", Artifact("sha256:a2f8", "checkout")),
        ("checkout:v1.2.1@sha256:a2f8", Artifact("v1.2.1", "checkout")),
        ("v1.2.1", Artifact("v1.2.1", "v1.2.1")),
        ("pkg:oci/checkout", Artifact("", "checkout")),
    ],
)
def test_artifacts_name_versions_in_many_ways(written: str, read_as: Artifact) -> None:
    """
    A tag before a digest, a version as written, never a port of the registry.
    """
    assert read_artifact(written) == read_as


def test_the_service_is_found_by_the_artifact_where_the_subject_is_another_name() -> None:
    """
    Some pipelines number their subjects; the image has the service's name.
    """
    assert told(changed(DEPLOYED, subject__id="mySubject123")).service == "checkout"
    elsewhere = changed(
        DEPLOYED, subject__id="mySubject123", subject__content__artifactId="pkg:oci/search@v1"
    )
    assert told(elsewhere).service is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([DEPLOYED, {}], "feed: event 2 has no type"),
        ([DEPLOYED, []], "feed: event 2 is a list, not a JSON object"),
        (changed(DEPLOYED, context__timestamp=...), "feed: it has no context.timestamp"),
        (changed(DEPLOYED, context__id=""), "feed: it has no context.id"),
        (changed(DEPLOYED, subject=...), "feed: it has no subject"),
        (
            changed(DEPLOYED, subject__content__artifactId=...),
            "feed: it has no subject.content.artifactId, which names the version",
        ),
        (
            changed(DEPLOYED, subject__content__artifactId="pkg:oci/checkout"),
            "feed: it has subject.content.artifactId 'pkg:oci/checkout',"
            " which is not a purl with a version, such as pkg:oci/checkout@v1.2.1",
        ),
        (changed(WRAPPED, time=..., data__context__timestamp=...), "feed: it has no time"),
        (changed(WRAPPED, data="{"), "feed: it has data: it is not JSON: Input data was truncated"),
        (changed(WRAPPED, data=...), "feed: it has no data, or data that is not an object"),
        (changed(WRAPPED, data=..., data_base64="%"), "feed: it has data_base64 that is not base 64"),
    ],
)
def test_a_broken_event_says_which_field(value: Any, said: str) -> None:
    """
    The event by its number, the field by its whole way.
    """
    with pytest.raises(BadInputError) as refused:
        read(body(value), where="feed", rules=RULES)

    assert refused.value.message == said
    assert "docs/sources.md" in refused.value.hint


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """
    No bytes make a bug.
    """
    read_or_refused(lambda: read(data, where="feed", rules=RULES))


@given(anything)
def test_any_json_is_read_or_refused(value: Any) -> None:
    """
    No JSON makes a bug.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES))


@given(st.sampled_from([DEPLOYED, DETECTED, WRAPPED, [ROLLED_BACK, RESOLVED]]).flatmap(damaged))
def test_any_damage_is_read_or_refused(value: Any) -> None:
    """
    A real event with anything in one place makes no bug either.
    """
    read_or_refused(lambda: read(body(value), where="feed", rules=RULES))


@given(st.text(max_size=60) | st.text(max_size=40).map("pkg:oci/checkout".__add__))
def test_any_artifact_is_read(text: str) -> None:
    """
    No name of an artifact makes a bug.
    """
    assert isinstance(read_artifact(text), Artifact)
