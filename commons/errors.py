"""The four ways a request can fail for a reason worth telling, each with a stable code.

A code is a dotted name ("account.wrong_password"); facts are what the sentence needs (a line number, a limit).
The sentence itself lives in `templates/macros/words.html`, in every language; here is no English.
"""

from typing import ClassVar


class DomainError(Exception):
    """Something a person can understand and act on.

    code:  stable dotted name; `templates/macros/words.html` holds a sentence for each.
    field: name of the form field it belongs to, or None when it concerns the whole request.
    facts: values for the sentence; numbers, names and short texts only, never a secret.
    """

    status: ClassVar[int] = 500

    def __init__(self, code: str, *, field: str | None = None, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.field = field
        self.facts = facts

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in sorted(self.facts.items()))
        return f"{self.code} ({facts})" if facts else self.code


class NotFound(DomainError):
    """Unknown, or not visible to the one who asks."""

    status = 404


class Forbidden(DomainError):
    """Known, but not allowed."""

    status = 403


class Conflict(DomainError):
    """The state of things says no: closed, already recorded, taken, stale."""

    status = 409


class Invalid(DomainError):
    """What was sent cannot be right: the place is named, and the cure."""

    status = 422
