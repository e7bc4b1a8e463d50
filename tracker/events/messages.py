"""What the team was told: messages that were decided on, posted, or could not be; and what they promised.

The outbox is made of these: a message that was prepared and has no outcome waits in it.
"""

from datetime import datetime

from tracker.events.base import Decision, topic

MESSAGE_KINDS = ("initial", "update", "resolved", "rollback")


class Outbox(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """A step of a message on its way; `kind` is one of MESSAGE_KINDS."""

    kind: str

    def scopes(self) -> tuple[str, ...]:
        """Also found in the outbox, which holds the messages of all incidents."""
        return (*super().scopes(), "outbox")


@topic("message-prepared", rank=79)
class MessagePrepared(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """Somebody decided that this text is to be posted; `eta` is what it promises."""

    text: str
    eta: datetime | None = None


@topic("message-posting", rank=79)
class MessagePosting(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """One process began to post a prepared message; nobody else posts it.

    A message that has no outcome at `until` may have been posted, or not: whoever took it was cut off.
    """

    prepared: str
    claim: str
    until: datetime


@topic("message-sent", rank=79)
class MessageSent(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """The text was posted at `occurred_at`; without `prepared` a person did it by hand.

    `attempts` counts the posts of the round that succeeded.
    """

    text: str
    eta: datetime | None = None
    prepared: str | None = None
    attempts: int = 1


@topic("message-failed", rank=79)
class MessageFailed(Outbox, frozen=True, kw_only=True, omit_defaults=True):
    """A prepared message was not posted, or nobody can tell whether it was (`unsure`).

    With `retry_at` it goes on waiting, and is tried again from then on; without, it is over.
    """

    prepared: str
    reason: str
    attempts: int = 0
    retry_at: datetime | None = None
    unsure: bool = False


@topic("eta-missed", rank=83)
class EtaMissed(Decision, frozen=True, kw_only=True, omit_defaults=True):
    """What a message promised for `occurred_at` had not happened by then: no fix, no end, no newer promise.

    `message` is the event of the message that promised it, sent at `promised_at`.
    """

    message: str
    promised_at: datetime
