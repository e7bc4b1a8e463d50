"""Messages to the team: prepared, posted or failed, and the times that they promised.

The outbox consists of these: a prepared message without an outcome waits in it.
"""

from datetime import datetime

import msgspec

from tracker.events.base import Decision, topic

MESSAGE_KINDS = ("initial", "update", "resolved", "rollback")
REMINDER = "due"
"""The kind of what serve posts when something is due: it asks for news, and is none."""
CHANNELS = ("slack", "teams", "webhook")


class Outbox(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A step in sending a message; `kind` is one of MESSAGE_KINDS, or REMINDER."""

    kind: str

    def scopes(self) -> tuple[str, ...]:
        """Also indexed in the outbox, with the messages of all incidents."""
        return (*super().scopes(), "outbox")


@topic("message-printed", rank=79)
class MessagePrinted(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """A text was printed, for a person to post; `typed` are the options that it was written with."""

    text: str
    eta: datetime | None = None
    typed: dict[str, str] = msgspec.field(default_factory=dict)


@topic("message-prepared", rank=79)
class MessagePrepared(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """This text is to be posted to one channel; `eta` is the time that it promises.

    `about` is set where serve decided so: the event that it announces, or `due:` and what is due.
    """

    text: str
    eta: datetime | None = None
    channel: str = "slack"
    about: str | None = None


@topic("message-posting", rank=79)
class MessagePosting(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """One process began to post a prepared message; no other posts it.

    A message without an outcome at `until` may have been posted, or not: that process was interrupted.
    """

    prepared: str
    claim: str
    until: datetime


@topic("message-sent", rank=79)
class MessageSent(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """The text was posted at `occurred_at`; without `prepared` by hand.

    `attempts` counts the attempts of the round that succeeded; with none a person posted what was prepared.
    """

    text: str
    eta: datetime | None = None
    prepared: str | None = None
    attempts: int = 1


@topic("message-failed", rank=79)
class MessageFailed(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """A prepared message was not posted, or it is unknown whether it was (`unsure`).

    With `retry_at` it is retried from then on; without, it is given up. Only what serve announces, and
    what its receiver can tell from a repetition, is retried when unsure.
    """

    prepared: str
    reason: str
    attempts: int = 0
    retry_at: datetime | None = None
    unsure: bool = False


@topic("eta-missed", rank=83)
class EtaMissed(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """What a message promised for `occurred_at` had not happened by then: no fix, no resolution, no newer promise.

    `message` is the event of that message, sent at `promised_at`.
    """

    message: str
    promised_at: datetime
