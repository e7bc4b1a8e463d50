"""What was read of a file of notes or of a chat, before its instants are known, and how it is refused."""

from dataclasses import dataclass, field

from tracker.clock_text import ClockText
from tracker.errors import BadInputError
from tracker.ingest.notes.days import WrittenDay

_MOST_NAMED = 10


class WrongLineError(Exception):
    """One line cannot be read."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


@dataclass
class Message:
    """What stands below one time; `number` is its line. Without an author it is a note of whoever reads the file."""

    number: int
    clock: ClockText
    day: WrittenDay | None = None
    author: str | None = None
    kind: str = "note"
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


@dataclass
class Chat:
    """The messages of a file in its order; `left_out` counts joins, deleted messages and the like.

    `wrong` are the lines that cannot be read, with their numbers.
    """

    messages: list[Message] = field(default_factory=list)
    left_out: int = 0
    wrong: list[tuple[int, WrongLineError]] = field(default_factory=list)


def refusal(where: str, wrong: list[tuple[int, WrongLineError]]) -> BadInputError:
    """Name the lines that cannot be read, ten at most."""
    wrong = sorted(wrong, key=lambda pair: pair[0])
    hint = next((problem.hint for _, problem in wrong if problem.hint), "")
    if len(wrong) == 1:
        number, problem = wrong[0]
        return BadInputError(f"{where}: line {number}: {problem.problem}", hint=hint)
    named = [f"  line {number}: {problem.problem}" for number, problem in wrong[:_MOST_NAMED]]
    if len(wrong) > _MOST_NAMED:
        named.append(f"  and {len(wrong) - _MOST_NAMED} more")
    return BadInputError(
        "\n".join([f"{where}: {len(wrong)} lines cannot be read, so none was recorded", *named]), hint=hint
    )
