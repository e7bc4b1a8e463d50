"""An incident that came in a bundle is somebody else's: a running server posts, declares and collects nothing for it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from tests import builders as b
from tests.bundles.making import bundle_of, told
from tests.server.senders import ago, firing, push
from tests.server.test_messages import REFUSED, SLACK, said, start_at
from tests.servers.serving import CHECKOUT, TrackerServer, until
from tracker.application import outbox
from tracker.events.base import Arrival, Incoming
from tracker.events.samples import MetricSampled, SourceCollected
from tracker.log import Log

METRIC = '[services.{0}.metrics.error_ratio]\nquery = "max(error_ratio)"\nunit = "ratio"\n'


def collected(server: TrackerServer, service: str) -> int:
    """Count what was read of a service's metrics."""
    with Log(str(server.folder / "tracker.db")) as log:
        return sum(
            isinstance(each.event, MetricSampled | SourceCollected) and each.event.service == service
            for each in log.read_all()
        )


def theirs(folder: Path) -> Path:
    """A bundle of an incident of checkout and search that is open over there, with a message that waits."""
    store = told(
        str(folder / "theirs.db"),
        [
            b.declared(7, services=("checkout", "search")),
            Incoming(event=b.prepared(8, text="theirs"), arrival=Arrival(via=outbox.VIA)),
        ],
    )
    path = folder / "theirs.bundle"
    path.write_bytes(bundle_of(store))
    return path


def test_a_server_does_nothing_for_an_open_incident_that_was_imported(
    make_server, make_prometheus, slack, tmp_path
):
    """
    Beside it one of our own is posted for, reminded of, declared and captured: it is the same server.
    """
    now = datetime.now(UTC).timestamp()
    history = [(now - 60 * back, 0.2) for back in range(60, 0, -1)]
    prometheus = make_prometheus([("error_ratio", {"job": "shop"}, history)])
    server = make_server(
        f'{CHECKOUT}auto_declare = "critical"\n{METRIC.format("checkout")}{METRIC.format("search")}'
        f'[services.basket]\n[prometheus]\nurl = "{prometheus.url}"\n{SLACK}',
        running=False,
        environment={"SLACK_URL": slack.url},
    )
    imported = server.cli("import", theirs(tmp_path))
    assert (imported.code, imported.out) == (0, "INC-1\n"), imported.err
    assert server.cli("declare", "Ours", "--service", "basket", "--severity", "major").out == "INC-2\n"
    slack.replies = [REFUSED] * 3
    assert server.cli("message", 2, "initial", "--text", "ours", "--send").code == 10
    before = collected(server, "search")

    start_at(server, minutes=10)
    until(lambda: said(server, "posted a message"))
    push(server, firing(ago(minutes=1)))
    until(lambda: len(server.incidents()) == 3)
    until(lambda: collected(server, "checkout"))
    until(lambda: said(server, "a message is due"))
    asked = prometheus.asked("query_range")
    until(lambda: prometheus.asked("query_range") >= asked + 3)  # three more captures

    assert slack.texts == ["ours"] * 4
    assert {each["incident"] for each in said(server, "posted a message")} == {"INC-2"}
    assert "INC-1" not in {each["incident"] for each in said(server, "a message is due")}
    assert said(server, "a promised time passed") == []
    declared = {each["incident"]: each["declared_by"] for each in server.incidents()}
    assert declared["INC-3"] == "tracker"
    assert (before, collected(server, "search")) == (0, 0)
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
    assert not [line for line in lines if line.get("incident") == "INC-1"]
