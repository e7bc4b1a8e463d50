"""Every parser that a request reaches: one line of a table each, and atheris, or dice, to break it.

What the server's own table of readers names is here by itself; a line in `HEADERS` gives a
reader the headers on which it decides what a body is.
"""

import argparse
import importlib
import os
import pkgutil
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.hostile import payloads

MEMORY_BYTES = 2 << 30
"""What a parser's process may have; a body of 10 MiB, decoded, has some 400 MiB."""
INPUT_SECONDS = 20
"""How long one input may take, by a wide margin: nothing here is above a second on a machine at rest."""

HEADERS: Mapping[str, Sequence[Mapping[str, str]]] = {
    "sentry": [
        {},
        *(
            {"sentry-hook-resource": kind}
            for kind in ("issue", "error", "event_alert", "metric_alert", "legacy", "bugsink", "\0")
        ),
    ],
    "envelope": [{}, *({"content-encoding": kind} for kind in ("gzip", "deflate", "br", "zstd", "\xff"))],
    "events": [
        {},
        {
            "ce-type": "dev.cdevents.service.deployed.0.3.0",
            "ce-id": "%00",
            "ce-source": "%ff",
            "ce-time": "9999-12-31T23:59:59Z",
        },
        {
            "ce-type": "dev.cdevents.incident.detected.0.3.0",
            "ce-id": "1",
            "ce-subject": "x",
            "content-type": "text/plain",
        },
    ],
    "github": [
        {"x-github-event": kind}
        for kind in ("deployment_status", "push", "pull_request", "create", "workflow_run", "ping", "")
    ],
    "gitlab": [
        {"x-gitlab-event": kind}
        for kind in ("Deployment Hook", "Push Hook", "Merge Request Hook", "Pipeline Hook", "")
    ],
}


@dataclass(frozen=True)
class Parser:
    """What reads hostile bytes, and what of the real ones it starts from."""

    read: Callable[[bytes], object]
    seeds: Sequence[bytes]


def parsers() -> dict[str, Parser]:
    """Name every parser that serve reaches."""
    from tracker.application import read_delivery

    found = {
        route: Parser(_reader(route), [b"\0" + seed for seed in payloads.SEEDS.get(route, [b"{}"])])
        for route in read_delivery.READERS
    }
    found["envelope header"] = Parser(_envelope_header, [b"\0" + each for each in payloads.SEEDS["envelope"]])
    found["sentry key"] = Parser(_sentry_key, [b"sentry_key=a&b\nSentry sentry_key=a, x=y\nhttp://k@h/1"])
    found["structured"] = Parser(
        _structured, [b'ce-type\x01a\x02ce-id\x01%00\x03{"a":1}', b"ce-type\x01a\x03x"]
    )
    found["sentry-cli"] = Parser(_sentry_cli, [b"\0" + each for each in payloads.SEEDS["releases"]])
    return found


def _reader(route: str) -> Callable[[bytes], object]:
    """Read as the inbox is worked up, and make what the log would store of it."""
    from tests.ingest.feeds import RULES
    from tracker.application.read_delivery import facts_of
    from tracker.errors import BadInputError
    from tracker.events.base import encode, event_id
    from tracker.inbox.queue import Delivery, QueuedDelivery

    kinds = HEADERS.get(route, [{}])

    def read(data: bytes) -> object:
        headers = kinds[data[0] % len(kinds)] if data else {}
        delivery = Delivery(
            route=route,
            source="main",
            key="k",
            received_us=1_772_373_600_000_000,
            headers=headers,
            body=data[1:],
        )
        try:
            facts = facts_of(QueuedDelivery(number=1, delivery=delivery), RULES)
        except BadInputError as refused:
            return refused.message
        return [(event_id(each.event), encode(each.event), each.event.index_rows()) for each in facts]

    return read


def _envelope_header(data: bytes) -> object:
    from tracker.server.bodies import envelope_header

    encodings = ("", "gzip", "deflate", "br", "zstd")
    return envelope_header(data[1:], encodings[data[0] % len(encodings)] if data else "")


def _sentry_key(data: bytes) -> object:
    import json

    from tracker.server.secrets import same, sentry_key

    query, _, rest = data.partition(b"\n")
    header, _, dsn = rest.partition(b"\n")
    try:
        said: Any = json.loads(b'{"dsn":"' + dsn + b'"}')
    except ValueError:
        said = (
            {"dsn": dsn.decode("utf-8", "surrogatepass" if len(dsn) % 2 else "replace")}
            if dsn.isascii()
            else {}
        )
    return same("right", sentry_key({"x-sentry-auth": header}, query, said))


def _sentry_cli(data: bytes) -> object:
    """What is answered at once, and what is recorded of it."""
    from tests.ingest.feeds import RULES
    from tracker.errors import BadInputError
    from tracker.events.base import encode
    from tracker.ingest.sentry import cli

    releases = "/api/0/organizations/acme/releases/"
    asked = (
        *(("POST", releases), ("PUT", releases + "checkout@1/"), ("POST", releases + "checkout@1/deploys/")),
        *(("PUT", releases + "%00%ff/"), ("GET", releases), ("POST", "/api/0/projects/acme/shop/releases/")),
    )
    method, path = asked[data[0] % len(asked)] if data else asked[0]
    answered = cli.answer(method, path, "", data[1:])
    try:
        facts = cli.read(data[1:], where="it", rules=RULES, method=method, path=path)
    except BadInputError:
        return answered
    return answered, [encode(each.event) for each in facts]


def _structured(data: bytes) -> object:
    from tracker.application.read_delivery import structured

    before, _, body = data.partition(b"\x03")
    pairs = [each.partition(b"\x01") for each in before.split(b"\x02")]
    return structured(body, {name.decode("latin-1"): value.decode("latin-1") for name, _, value in pairs})


@dataclass(frozen=True)
class Fuzzed:
    """What became of one parser: None where nothing broke it, else what did."""

    name: str
    runs: int
    seconds: float
    broken: str | None


def atheris_is_here() -> bool:
    """Whether atheris can be imported: it has wheels for Linux on x86-64 alone."""
    from importlib.util import find_spec

    return find_spec("atheris") is not None


def fuzz(
    name: str, runs: int, folder: Path, *, guided: bool, seed: int = 1, seconds: float = 900.0
) -> Fuzzed:
    """Try to break a parser in a process of its own, with atheris where `guided`, else with dice."""
    place = folder / name.replace(" ", "-")
    corpus = place / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, given in enumerate(parsers()[name].seeds):
        (corpus / str(number)).write_bytes(given)
    command = [sys.executable, "-m", "tests.hostile.parsers", name, str(runs), str(seed), str(place)]
    began = time.monotonic()
    try:
        done = subprocess.run(
            [*command, "--guided"] if guided else command,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(errors="replace") if done.returncode else None
    except subprocess.TimeoutExpired:
        said = f"did not end within {seconds:.0f} s"
    return Fuzzed(name, runs, time.monotonic() - began, said[-4000:] if said is not None else None)


def _guided(name: str, runs: int, seed: int, place: Path) -> None:
    import atheris

    # Only what is imported here is guided by what it covers, and the readers are imported late.
    with atheris.instrument_imports(include=["tracker"]):
        import tracker.application.read_delivery
        import tracker.ingest

        for module in pkgutil.walk_packages(tracker.ingest.__path__, "tracker.ingest."):
            importlib.import_module(module.name)
    parser = parsers()[name]
    atheris.Setup(
        [
            *(
                name,
                f"-runs={runs}",
                f"-seed={seed}",
                f"-timeout={INPUT_SECONDS}",
                f"-artifact_prefix={place}/",
            ),
            *("-max_len=20000", "-rss_limit_mb=1500", "-verbosity=0", str(place / "corpus")),
        ],
        lambda data: parser.read(data) and None,
    )
    atheris.Fuzz()


def _by_dice(name: str, runs: int, seed: int) -> None:
    chance, parser = random.Random(seed), parsers()[name]
    for number in range(runs):
        given = chance.choice(parser.seeds)
        make = chance.choices([way for way, _ in payloads.WAYS], [weight for _, weight in payloads.WAYS])[0]
        data = (
            given if number < len(parser.seeds) else bytes([chance.randrange(256)]) + make(chance, given[1:])
        )
        began = time.process_time()
        try:
            parser.read(data)
        except BaseException:
            print(f"{name}: input {number} of {len(data)} bytes: {data[:300]!r}", file=sys.stderr)
            raise
        if time.process_time() - began > INPUT_SECONDS:
            raise SystemExit(f"{name}: {time.process_time() - began:.0f} s for {data[:300]!r}")


def main() -> None:
    """Break one parser in this process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("runs", type=int)
    parser.add_argument("seed", type=int)
    parser.add_argument("place", type=Path)
    parser.add_argument("--guided", action="store_true")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    if given.guided:
        _guided(given.name, given.runs, given.seed, given.place)
    else:
        _by_dice(given.name, given.runs, given.seed)


if __name__ == "__main__":
    main()
