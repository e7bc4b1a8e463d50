"""Write the stored form of each kind that has none yet: python -m tests.wire.write."""

import json

from tests.builders import one_of_each
from tests.wire.test_wire import FOLDER, builtins
from tracker.events.base import encode, event_id


def main() -> None:
    for event in one_of_each():
        path = FOLDER / f"{event.TOPIC}.1.hex"
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
