"""Bodies that somebody who means harm would send: recorded ones, damaged, and ones made to break a parser."""

import functools
import gzip
import json
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import brotli
import zstandard

_FOLDER = Path(__file__).parents[1] / "ingest" / "payloads"
MARK = "hostile-marker"
FORBIDDEN = "forbidden-marker"
"""Stands in every body that nobody may let in; afterwards it must be nowhere."""

SEEDS: dict[str, list[bytes]] = {
    "alertmanager": [
        *(_FOLDER / "alertmanager_webhook.jsonl").read_bytes().splitlines(),
        (_FOLDER / "alertmanager_api_v2_alerts.json").read_bytes(),
    ],
    "sentry": [(_FOLDER / name).read_bytes() for name in sorted(p.name for p in _FOLDER.glob("*.json"))],
    "envelope": [path.read_bytes() for path in sorted(_FOLDER.glob("*.envelope"))],
    "events": (_FOLDER / "cdevents.jsonl").read_bytes().splitlines(),
    "github": [path.read_bytes() for path in sorted(_FOLDER.glob("github*.json"))]
    or [b'{"action":"created"}'],
    "gitlab": [path.read_bytes() for path in sorted(_FOLDER.glob("gitlab*.json"))]
    or [b'{"object_kind":"deployment"}'],
    "releases": [
        b'{"environment":"production","name":"v1","dateStarted":"2026-03-01T14:40:00Z","dateFinished":null}',
        b'{"commits":[{"id":"'
        + b"a" * 40
        + b'","timestamp":"2026-03-01T14:00:00Z","message":"Fix"}],"refs":[]}',
        b'{"version":"checkout@1.2.1","projects":["shop"],"dateReleased":"2026-03-01T14:45:00Z"}',
    ],
}
_VALUES = [
    *(b"null", b"true", b"NaN", b"-Infinity", b"1e400", b"-0", b"1" * 5000, b"0.1e-999", b'""', b"{}", b"[]"),
    *(
        b'"\\u0000"',
        b'"\\ud800"',
        b'"\\udfff\\ud800"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"0001-01-01T00:00:00Z"',
    ),
    *(b'"9999-12-31T23:59:59.999999999Z"', b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-14:00"'),
    *(
        b'"0000-00-00T00:00:00Z"',
        b'"10000-01-01T00:00:00Z"',
        b"253402300799.9999999",
        b"-62135596800",
        b"9e15",
    ),
    *(b'"2026-02-30T25:61:61Z"', b"9007199254740993", b"-1", b'"' + b"A" * 5000 + b'"', b"[[[[[[[[]]]]]]]]"),
    *(
        b'"%00%ff%c0%80"',
        b'"\\r\\nX-Injected: 1"',
        b'"../../etc/passwd"',
        b'"$(id)"',
        b'"\'; DROP TABLE x; --"',
    ),
]
_VALUE = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?|true|false|null')


def damaged(chance: random.Random, seed: bytes) -> bytes:
    """Damage a recorded body: values exchanged, bytes turned, pieces cut, doubled or put in."""
    found = seed
    for _ in range(chance.randint(1, 4)):
        way = chance.randrange(7)
        at = chance.randrange(len(found) + 1)
        if way <= 2 and (values := list(_VALUE.finditer(found))):
            value = chance.choice(values)
            found = found[: value.start()] + chance.choice(_VALUES) + found[value.end() :]
        elif way == 3:
            found = found[:at] + bytes([chance.randrange(256)]) + found[at + 1 :]
        elif way == 4:
            found = found[:at]
        elif way == 5:
            end = min(len(found), at + chance.randrange(200))
            found = found[:end] + found[at:end] + found[end:]
        else:
            found = found[:at] + chance.choice(_VALUES) + found[at:]
    return found


def doubled_keys(chance: random.Random, seed: bytes) -> bytes:
    """Say every field of an object twice, the second time something else."""
    return seed.replace(
        b"{", b'{"id":1,"status":null,"startsAt":0,"type":[],"labels":3,', chance.randint(1, 5)
    )


def deep(chance: random.Random, seed: bytes) -> bytes:
    """Nest lists and objects."""
    depth = chance.choice([100, 1_000, 10_000, 100_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"alerts":', b"}]")])
    whole = opening * depth + b"1" + closing * (depth if chance.random() < 0.5 else 0)
    return whole if chance.random() < 0.5 else b'{"alerts":' + whole + b"}"


def many(chance: random.Random, seed: bytes) -> bytes:
    """Say very many very small things."""
    count = chance.choice([1_000, 100_000])
    return chance.choice(
        [
            b"[" + b"[]," * count + b"[]]",
            b"[" + b"{}," * count + b"{}]",
            b"{}\n" * count,
            b"\n" * count + b"{}",
            b'{"alerts":[' + b"{}," * count + b"{}]}",
            b"{}\n" + b'{"type":"session"}\n{}\n' * count,
            b'{"labels":{'
            + b",".join(b'"l%d":"v"' % n for n in range(count))
            + b'},"startsAt":"2026-01-01T00:00:00Z"}',
        ]
    )


def repeating(chance: random.Random, seed: bytes) -> bytes:
    """Say one long thing of very many, so that who copies it for each has no end."""
    alert = b'{"labels":{"alertname":"a","n":"%d"},"startsAt":"2026-01-01T00:00:00Z","status":"firing"}'
    count = chance.choice([500, 5_000])
    alerts = b",".join(alert % n for n in range(count))
    if chance.random() < 0.5:
        return b'{"alerts":[' + alerts + b'],"groupKey":"' + b"g" * 900_000 + b'"}'
    return b'{"event_id":"' + b"e" * 900_000 + b'"}\n' + b'{"type":"event"}\n{"timestamp":1}\n' * 100


def early_and_late(chance: random.Random, seed: bytes) -> bytes:
    """Tell of alerts that open incidents, at the ends of time."""
    at = chance.choice(
        ["0001-01-01T00:00:00Z", "0001-01-02T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T00:00:00Z"]
    )
    alert = {
        "labels": {
            "alertname": "Edge",
            "service": "checkout",
            "severity": "critical",
            "n": str(chance.random()),
        },
        "annotations": {},
        "startsAt": at,
        "endsAt": chance.choice(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", at]),
        "status": chance.choice(["firing", "resolved"]),
    }
    return json.dumps({"alerts": [alert], "status": "firing", "version": "4"}).encode()


def noise(chance: random.Random, seed: bytes) -> bytes:
    """Send bytes without any sense."""
    return chance.randbytes(chance.choice([0, 1, 3, 100, 5_000]))


def large(chance: random.Random, seed: bytes) -> bytes:
    """Send about as much as a route takes, or a little more."""
    size = chance.choice([1 << 20, (1 << 20) + 1, 10 << 20, (10 << 20) + 1])
    return b'"' + b"x" * (size - 2) + b'"'


_ALMOST = ("password ", "a" * 50, "://", "eyJ", "4111 ", "token=", "-----BEGIN ", "x@", "secret_")


def almost_secret(chance: random.Random, seed: bytes) -> bytes:
    """Send an error whose text begins like a secret all along, so that a search that backs up has no end."""
    part = chance.choice(_ALMOST)
    text = part * (chance.choice([46_000, 900_000]) // len(part))
    number = f"{chance.getrandbits(128):032x}"
    event = {
        "event_id": number,
        "timestamp": "2026-03-01T14:00:00Z",
        "message": text,
        "extra": {"again": text[:9_000]},
    }
    return f'{{"event_id":"{number}"}}\n{{"type":"event"}}\n{json.dumps(event)}\n'.encode()


WAYS: list[tuple[Callable[[random.Random, bytes], bytes], int]] = [
    (damaged, 700),
    (doubled_keys, 60),
    (early_and_late, 60),
    (noise, 60),
    (deep, 30),
    (many, 8),
    (repeating, 4),
    (almost_secret, 4),
    (large, 3),
]
"""How bodies are made, and how often."""


@functools.cache
def bombs() -> list[tuple[bytes, bytes]]:
    """Encoded bodies that inflate a thousandfold, and ones that are cut or damaged."""
    zeros = b"\0" * (64 << 20)
    found = [
        (b"gzip", gzip.compress(zeros, 9)),
        (b"deflate", zlib.compress(zeros, 9)),
        (b"br", brotli.compress(zeros, quality=5)),
        (b"zstd", zstandard.compress(zeros, 3)),
        (b"gzip", gzip.compress(gzip.compress(zeros, 9), 9)),
    ]
    whole = b'{"event_id":"%032x"}\n{"type":"event"}\n{"timestamp":1,"extra":{"a":"%b"}}\n' % (
        7,
        b"x" * (9 << 20),
    )
    found += [(b"gzip", gzip.compress(whole, 9)), (b"br", brotli.compress(whole, quality=5))]
    for path in SEEDS["envelope"]:
        packed = gzip.compress(path)
        found += [
            (b"gzip", packed),
            (b"gzip", packed[:-9]),
            (b"br", brotli.compress(path)),
            (b"zstd", packed),
        ]
        found += [(b"identity, gzip", packed), (b"x" * 300, path), (b"deflate", packed[10:]), (b"br", path)]
    return found


def body(chance: random.Random, route: str) -> bytes:
    """Make a body for a route."""
    make = chance.choices([way for way, _ in WAYS], [weight for _, weight in WAYS])[0]
    source = route if chance.random() < 0.9 else chance.choice(sorted(SEEDS))
    return make(chance, chance.choice(SEEDS[source]))


def marked(number: int) -> bytes:
    """Make a body that Alertmanager could send, with a name that is found again in the log."""
    alert = {
        "status": "firing",
        "labels": {"alertname": f"{MARK}-{number}", "service": "checkout"},
        "annotations": {},
        "startsAt": "2026-03-01T14:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
    }
    return json.dumps({"version": "4", "status": "firing", "groupKey": "x", "alerts": [alert]}).encode()
