"""Two `tracker serve` on one database: both take webhooks, one polls, and the other takes over when that one dies."""

import json

from tests.servers.serving import CHECKOUT, EVERY_SECOND, SECRETS, until

STANDS_BY = "another server polls the sources; standing by"


def pipeline_event(number):
    """A deploy, as a pipeline reports it."""
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"deploy-{number}",
            "source": "/pipeline",
            "type": "dev.cdevents.service.deployed.0.2.0",
            "datacontenttype": "application/json",
            "data": {
                "context": {
                    "version": "0.4.1",
                    "id": f"deploy-{number}",
                    "source": "/pipeline",
                    "type": "dev.cdevents.service.deployed.0.2.0",
                    "timestamp": f"2026-03-01T14:{number:02d}:00Z",
                },
                "subject": {
                    "id": "checkout",
                    "content": {
                        "environment": {"id": "production"},
                        "artifactId": f"pkg:oci/checkout@{number}.0.0",
                    },
                },
            },
        }
    ).encode()


def post(server, number):
    reply = server.request(
        "/hooks/events",
        pipeline_event(number),
        {
            "Content-Type": "application/cloudevents+json",
            "Authorization": f"Bearer {SECRETS['TRACKER_EVENTS_TOKEN']}",
        },
    )
    assert reply.status == 202, reply.body


def polls(server):
    """Whether it last said that it polls."""
    log = server.log()
    return log.rfind("polling the sources") > log.rfind(STANDS_BY)


def test_both_take_webhooks_and_one_polls(make_server, postgres_url, tmp_path):
    """
    The same delivery at both is recorded once; when the one that polls is killed, the other one does.
    """
    first = make_server(CHECKOUT, store=postgres_url, serve=EVERY_SECOND)
    until(lambda: polls(first))
    second = make_server(CHECKOUT, store=postgres_url, serve=EVERY_SECOND)
    until(lambda: STANDS_BY in second.log())

    for number in range(10):
        post(first, number)
        post(second, number)
    post(first, 20)
    post(second, 21)
    first.digested()

    versions = [row["version"] for row in first.answer("changes", "--from", "2026-03-01T00:00Z")["changes"]]
    assert len(versions) == len(set(versions)) == 12

    assert not polls(second)
    first.kill()
    until(lambda: polls(second), seconds=60)
