"""Write the stored form of each kind, and of each field that came later, that has none yet.

python -m tests.wire.write
"""

import json
from collections import Counter

from tests.builders import (
    action,
    alert,
    alert_end,
    at,
    branch,
    check_in,
    collected,
    commit,
    declared,
    deploy,
    error,
    file,
    issue,
    merge_commit,
    note,
    one_of_each,
    outside,
    prepared,
    reopened,
    run_of_tests,
    samples,
    settings,
    tag,
    unlinked,
)
from tests.wire.test_wire import FOLDER, builtins
from tracker.events.base import encode, event_id

LATER = [
    collected(step_seconds=15.0, query="up"),
    commit(changed_paths=("shop/basket.py", "README.md")),
    commit(merged_from="hotfix/1.4.3"),
    tag(sha=None),
    run_of_tests(duration_seconds=None),
    declared(occurrence="e0df2298e77d85e2@1772373900000"),
    reopened(occurrence="e0df2298e77d85e2@1772373900000"),
    declared(record="markdown:postmortems/2026-03-01.md", severity="unknown"),
    file(by_hash=True),
    action(due_zone="Europe/Berlin", due_offset_minutes=60),
    commit(
        fix_patch_id="9" * 40,
        stated_versions={"package.json": "1.4.3"},
        versions_before={"package.json": "1.4.2"},
        repeats=("a" * 40,),
        reverts=("b" * 40,),
        authored_at=at(3),
    ),
    merge_commit(brought_paths=()),
    merge_commit(brought_paths=("shop/basket.py",)),
    branch(patch_id="9" * 40, stated_versions={"package.json": "1.4.3"}),
    branch(stated_versions={}),
    settings(service="checkout", settings={"settling_seconds": 120}, only_for="INC-42"),
    commit(tree_sha="7" * 40),
    run_of_tests(tree_sha="7" * 40),
    collected(step_seconds=15.0, query="up", incomplete=("store is down",)),
    samples(partial=True),
    alert(30, started_at=at(5), again_after=at(25)),
    alert_end(25, again_after=at(25)),
    unlinked(deploy(), role="caused", of="grace"),
    error(clock_off_seconds=10_800.0),
    check_in(clock_off_seconds=-10_800.0),
    issue(again_after=at(4)),
    outside(again_after=at(4)),
    error(received_bytes=19_922_944),
    note(affected=("1,140 orders",), affected_from=at(2), affected_to=at(42)),
    prepared(channel="teams", about="due:report_written"),
]
"""Kinds with the fields that they did not have at first; new ones go to the end."""


def main() -> None:
    numbers: Counter[str] = Counter()
    for event in [*one_of_each(), *LATER]:
        numbers[event.TOPIC] += 1
        path = FOLDER / f"{event.TOPIC}.{numbers[event.TOPIC]}.hex"
        if path.exists():
            continue
        state = encode(event).hex()
        path.write_text("\n".join(state[i : i + 100] for i in range(0, len(state), 100)) + "\n")
        expected = {"topic": event.TOPIC, "id": event_id(event), "event": builtins(event)}
        path.with_suffix(".json").write_text(
            json.dumps(expected, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        print(path.name)


if __name__ == "__main__":
    main()
