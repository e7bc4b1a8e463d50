"""Whatever a sender repeats, reading four times as much of it costs some four times as much.

A ratio of CPU times, never a limit of the clock: a busy machine is slow at both sizes.
"""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.ingest.feeds import RULES
from tracker.errors import TrackerError
from tracker.ingest import alertmanager, cdevents
from tracker.ingest.forges import github, gitlab
from tracker.ingest.notes import reading
from tracker.ingest.sentry import envelope, webhook
from tracker.text.mojibake import find_mojibake
from tracker.text.secrets import find_secrets, find_secrets_in_bytes

SMALL, TIMES = 20_000, 4
MOST_TIMES = 9
"""A quadratic scanner needs 16 times as long, a linear one 4 times."""
MEASURABLE_SECONDS = 0.06

AT = "2026-03-01T14:00:00Z"
SHA = "b" * 40


def error(**fields: Any) -> bytes:
    event = {"event_id": "b" * 32, "timestamp": 1_772_373_900, "message": "boom", **fields}
    return b"{}\n" + b'{"type":"event"}\n' + json.dumps(event).encode()


def read(reader: Callable[..., Any], body: Any, **named: Any) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reader(data, where="feed", rules=RULES, **named)


def alert(**fields: Any) -> Any:
    return {"alerts": [{"labels": {"alertname": "a"}, "startsAt": AT, "status": "firing", **fields}]}


def deployed(text: str) -> Any:
    subject = {"id": text, "content": {"environment": {"id": text}, "artifactId": f"pkg:oci/{text}"}}
    kind = "dev.cdevents.service.deployed.0.3.0"
    return {
        "specversion": "1.0",
        "id": text,
        "source": text,
        "type": kind,
        "time": AT,
        "data": {"subject": subject},
    }


def pushed(text: str) -> Any:
    commit = {"id": SHA, "message": text, "timestamp": AT, "author": {"name": text}, "distinct": True}
    repository = {"full_name": text, "path_with_namespace": text}
    ends = {"ref": f"refs/heads/{text}", "before": SHA, "after": SHA}
    return {**ends, "repository": repository, "project": repository, "commits": [commit]}


def issue(text: str) -> Any:
    fields = {"id": "1", "title": text, "culprit": text, "status": "unresolved", "firstSeen": AT}
    return {"action": "created", "data": {"issue": {**fields, "project": {"slug": text}, "permalink": text}}}


SCANNERS: dict[str, Callable[[str], object]] = {
    "secrets in a text": find_secrets,
    "secrets in a payload": lambda text: find_secrets_in_bytes(text.encode()),
    "mojibake": find_mojibake,
    "a line of notes": lambda text: reading._read_text(text.encode()),
    "an error's message and tags": lambda text: read(envelope.read, error(message=text, tags={"t": text})),
    "an exception": lambda text: read(
        envelope.read, error(exception={"values": [{"type": "E", "value": text}]})
    ),
    "a fingerprint": lambda text: read(envelope.read, error(fingerprint=[text, "{{ default }}"])),
    "an instant": lambda text: read(envelope.read, error(timestamp=f"2026-03-01T1{text}")),
    "an alert's labels": lambda text: read(
        alertmanager.read, alert(labels={"alertname": text}, annotations={"summary": text})
    ),
    "a CDEvent": lambda text: read(cdevents.read, deployed(text)),
    "a push to GitHub": lambda text: read(github.read, pushed(text), event_name="push"),
    "a push to GitLab": lambda text: read(gitlab.read, {**pushed(text), "object_kind": "push"}),
    "an issue": lambda text: read(webhook.read, issue(text), event_name="issue"),
}

REPEATED = [
    *("a", " ", "\n", "1", "'", '"', "{{ ", "{{", "[1:23", "[", "<", "a@", ":", "a://", "/", "1:23 ", "12:00 PM "),
    *("-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "password=abcd1efg ", "password", "pass: ", "secret_key ", "token="),
    *("bearer ", "authorization: ", "curl  ", "curl -u ", "mysql -p ", "card 4", "4111 1111 1111 1111 ", "4111-"),
    *("eyJaaaaaaaaa.", "http://a:", "https://a:b@", "?sig=", "8Q~", "sk-", "ghp_", "${", "\\n", '\\"', "deadbeef-"),
    *("ğŸ", "ÃƒÂ", "â€", "\u200b", "14:00 a\n", "a  b 1:", "a — ", "2026-03-01 ", "v1.", "\n ", "refs/", "cherry picked from commit "),
]  # fmt: skip


def cost(scan: Callable[[str], object], text: str) -> float:
    began = time.process_time()
    with contextlib.suppress(TrackerError):
        scan(text)
    return time.process_time() - began


@pytest.mark.parametrize("scan", SCANNERS.values(), ids=SCANNERS.keys())
def test_the_cost_grows_with_the_text_alone(scan: Callable[[str], object]) -> None:
    """
    Each scanner is given its own matches, and those of the others.
    """
    cost(scan, "a")  # compiles patterns
    slow = {}
    for piece in REPEATED:
        texts = (piece * (TIMES * SMALL // len(piece)), piece * (SMALL // len(piece)))
        large = cost(scan, texts[0])
        if large > MEASURABLE_SECONDS:
            times = large / max(cost(scan, texts[1]), 1e-4)
            if times > MOST_TIMES:
                # Whatever else the machine does only adds to a cost: the least of each is compared.
                large, small = (min(cost(scan, text) for _ in range(3)) for text in texts)
                times = large / max(small, 1e-4)
            if times > MOST_TIMES:
                slow[piece] = round(times, 1)

    assert slow == {}
