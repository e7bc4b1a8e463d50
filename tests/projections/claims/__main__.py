"""Print how well claims are checked: `make claims`, or on the cases of a folder `CASES=folder make claims`.

Such a folder has incidents/build.py, which writes logs and an index.json, sentences.json and documents.json.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from projections.claims.of_incident import claims_of
from projections.claims.prose import Text
from projections.dossier import Dossier
from reports.generated_regions import visible_text
from tests.projections.claims.incidents import findings, known
from tests.projections.claims.test_sentences import (
    AFRESH,
    HELD_BACK,
    INCIDENTS,
    LOOKED_AT,
    WRITTEN_DOWN,
    written,
)
from tracker.application.dossier import dossier
from tracker.application.session import Options, Session


def main(folder: str) -> None:
    if folder:
        print_folder(Path(folder))
        return
    logs = {name: known(*events, peaks=peaks) for name, (events, peaks) in (INCIDENTS | AFRESH).items()}
    for title, sentences in (
        ("written with the checks", WRITTEN_DOWN),
        ("written afresh, and looked at", written(AFRESH, LOOKED_AT)),
        ("written afresh, and held back", written(AFRESH, HELD_BACK)),
    ):
        print(f"\n{title}")
        table(
            (truth.upper(), kind or "other", bool(findings(logs[name], text, heading)))
            for name, truth, kind, heading, text in sentences
        )


def table(rows: Iterable[tuple[str, str, bool]]) -> None:
    """Print per kind how many false sentences are found, and how many others are accused."""
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for truth, kind, accused in rows:
        for name in (kind, "all"):
            counts[name][truth] += 1
            counts[name][f"{truth}+"] += accused
    print(f"{'kind':<12}{'false found':>14}{'true accused':>16}{'cannot tell':>14}")
    for kind, c in sorted(counts.items(), key=lambda each: (each[0] == "all", each[0])):
        print(f"{kind:<12}{c['F+']:>6} of {c['F']:<4}{c['T+']:>8} of {c['T']:<4}{c['?+']:>7} of {c['?']:<4}")


def print_folder(cases: Path) -> None:
    """Build the logs of a folder of cases, and score its sentences and documents."""
    with tempfile.TemporaryDirectory() as out:
        program = Path(sys.executable).with_name("tracker")
        build = [sys.executable, str(cases / "incidents" / "build.py"), "--tracker", str(program), out]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        index = json.loads((Path(out) / "index.json").read_text())
        logs = {name: opened(Path(out) / where["folder"], where["incident"]) for name, where in index.items()}
        truths = {"false": "F", "true": "T", "cannot_tell": "?"}
        sentences = json.loads((cases / "sentences.json").read_text(encoding="utf-8"))
        page = "# Post-incident review of {}\n\n## {}\n\n{}\n"
        table(
            (
                truths[s["truth"]],
                s["kind"],
                bool(
                    asked(
                        logs[s["incident"]],
                        page.format(index[s["incident"]]["incident"], s["heading"], s["text"]),
                    )
                ),
            )
            for s in sentences
        )
        for document in json.loads((cases / "documents.json").read_text(encoding="utf-8")):
            lines = asked(logs[document["incident"]], (cases / document["file"]).read_text(encoding="utf-8"))
            planted = [range(one["line"], one["until"] + 1) for one in document["planted"]]
            found = sum(any(line in one for line in lines) for one in planted)
            extra = sum(not any(line in one for one in planted) for line in lines)
            print(f"{document['id']:<20}{found:>4} of {len(planted)} planted{extra:>4} extra")


def opened(folder: Path, incident: str) -> Dossier:
    session = Session(Options(config=str(folder / "tracker.toml")))
    try:
        return dossier(session, session.incident(incident))
    finally:
        session.close()


def asked(log: Dossier, text: str) -> list[int]:
    """Return the lines of what is found in a text."""
    return [each.line for each in claims_of(log, Text(visible_text(text), "text"))[0] if not each.is_notice]


if __name__ == "__main__":
    main(os.environ.get("CASES", ""))
