"""Everything that can go wrong before an operation has an outcome of its own.

    CounterError
    ├── BadInput              the caller's fault: names the field, never shows a secret
    │   ├── BodyTooLarge
    │   ├── NotPermitted      the caller's rights, or its source's, do not cover it
    │   └── UnknownEvent
    ├── Unauthorized          no caller, or an unknown one
    ├── NotAccepted           no ledger write can have taken effect: repeating is safe and needed
    │   ├── TooManyCalls      too many calls wait
    │   │   ├── RowFull       too many operations of this group wait
    │   │   ├── NoTurn        too many groups wait for the sweep
    │   │   └── QuotaUsedUp   the caller has used up its own requests per second
    │   ├── LedgerUnavailable
    │   │   └── LaterVersion  a later version has written what this one cannot read
    │   ├── SecretUnavailable
    │   ├── QueueUnavailable  the queue of FAN_OUT_QUEUE has not taken every page
    │   └── AppRefused        the vendor refuses the whole app, so nothing new is taken on
    ├── OutcomeUnknown        a ledger write's answer was lost: it may have been accepted
    │   ├── AnswerLost        raised by a ledger; becomes OutcomeUnknown where it cannot be resolved
    │   └── GroupFailed       an error that no rule foresees; it stays with its group
    ├── NeedsAttention        what an operator has to look at, raised by the timer's task `check`
    └── SettingsError         an environment variable or the secret's content is wrong

Status codes exist only at the edge (`triggers.http.responses`).
"""

from __future__ import annotations

# A deployment replaces every instance within a minute, and nothing else mends a version that is too old.
LATER_RETRY_S = 30.0


class CounterError(Exception):
    """The root of the tree."""


class BadInput(CounterError):
    """Invalid input: `field` is the path of the field, `problem` says what is wrong without showing the value."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class BodyTooLarge(BadInput):
    """A body over the limit; nothing of it was read."""


class NotPermitted(BadInput):
    """The rights of the caller, or of the source, do not cover this: `field` is the first thing beyond them."""


class UnknownEvent(BadInput):
    """An event whose shape belongs to no trigger."""


class Unauthorized(CounterError):
    """The request names no caller, or an unknown one; `challenge` is the scheme that it should have used."""

    def __init__(self, problem: str, challenge: str = "Bearer") -> None:
        super().__init__(problem)
        self.challenge = challenge


class NotAccepted(CounterError):
    """Nothing was accepted, for certain. `retry_after_s` is how long to wait before repeating, in seconds."""

    def __init__(self, problem: str, retry_after_s: float = 1.0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.retry_after_s = retry_after_s


class TooManyCalls(NotAccepted):
    """More is asked for than can be done now."""


class RowFull(TooManyCalls):
    """The group's row has no room for another waiting operation."""


class NoTurn(TooManyCalls):
    """The schedule of acceptances has no turn to lend: the sweep has a minute of calls to make already (R14)."""


class QuotaUsedUp(TooManyCalls):
    """The caller has used up its `calls_per_second`; other callers have not."""


class LedgerUnavailable(NotAccepted):
    """The ledger did not take the write, or could not be read."""


class LaterVersion(LedgerUnavailable):
    """A later version of the function has written what this one cannot read, so its group waits for that (R17)."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem, LATER_RETRY_S)


class SecretUnavailable(NotAccepted):
    """No secret could be loaded, and none is cached."""


class QueueUnavailable(NotAccepted):
    """The queue may not have taken every page; those that it has taken may be sent again."""


class AppRefused(NotAccepted):
    """The vendor refuses the app itself: `code` and `info` are the vendor's."""

    def __init__(self, code: int, info: str, retry_after_s: float) -> None:
        super().__init__(f"the vendor refuses this app with code {code}", retry_after_s)
        self.code = code
        self.info = info


class OutcomeUnknown(CounterError):
    """A ledger write may or may not have taken effect; repeating with the same key finds out."""


class AnswerLost(OutcomeUnknown):
    """A ledger write whose answer did not arrive: only a later read shows whether it took effect."""


class GroupFailed(OutcomeUnknown):
    """An error that no rule foresees, in the work on one group of many; the log says where it came from."""


class NeedsAttention(CounterError):
    """Something waits for an operator; the text has the numbers. It fails the invocation, which is the alarm."""


class SettingsError(CounterError):
    """An environment variable (or the secret it points to) is missing, wrong or contradicts another."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable}: {problem}")
        self.variable = variable
        self.problem = problem
