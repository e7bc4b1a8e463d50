"""Let schemathesis loose on the routes that `tests.hostile.openapi` describes."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.hostile import openapi
from tests.servers.serving import TrackerServer

_CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance"
)
_NO_AUTH = _CHECKS + ",ignored_auth"


@dataclass(frozen=True)
class Tried:
    """What schemathesis saw: the answers by status, and its own words."""

    statuses: "Counter[int]"
    passed: bool
    words: str

    @property
    def requests(self) -> int:
        return sum(self.statuses.values())


def try_routes(target: TrackerServer, *, examples: int, let_in: bool, seconds: int, seed: int = 1) -> Tried:
    """Run all its phases, with so many examples for each operation, until time is over."""
    seen = target.folder / f"seen-{int(let_in)}.json"
    seen.unlink(missing_ok=True)
    schema = target.folder / "openapi.json"
    schema.write_text(json.dumps(openapi.document()))
    root = Path(__file__).parents[2]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", str(schema), "--url", target.url),
        "--no-color",
        *("--checks", _CHECKS if let_in else _NO_AUTH, "--mode", "all", "--max-examples", str(examples)),
        *("--seed", str(seed), "--generation-database", "none", "--continue-on-failure", "--no-shrink"),
        *("--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "40", "--workers", "1"),
        *("--phases", "examples,coverage,fuzzing,stateful", "--max-redirects", "0"),
    ]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "tests.hostile.schemathesis_hooks",
        "HOSTILE_LET_IN": str(int(let_in)),
        "HOSTILE_SEEN": str(seen),
        "PYTHONPATH": str(root),
        "COLUMNS": "200",
    }
    words, passed, stop_at = "", True, time.monotonic() + seconds
    process = subprocess.Popen(
        command,
        cwd=target.folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        words, _ = process.communicate(timeout=max(1.0, stop_at - time.monotonic()))
        passed = process.returncode == 0
    except subprocess.TimeoutExpired:
        process.terminate()
        words, _ = process.communicate(timeout=60)
    counted = json.loads(seen.read_text()) if seen.exists() else {}
    return Tried(Counter({int(status): count for status, count in counted.items()}), passed, words)
