"""The buf.validate rules of messages, and what a caller is told who breaks them."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

import protovalidate
from google.protobuf.message import Message

from headrace_server.model.errors import FieldViolation, HeadraceError, InvalidFieldError

_NAME = "small letters, digits and _, without a digit at the beginning, 63 characters at most"
#: what a text must be that breaks the pattern of a rule
_OF_PATTERNS = {
    r"^[^\x00]*$": "must hold no NUL character",  # PostgreSQL stores none
    "^[a-z_][a-z0-9_]{0,62}$": f"must be {_NAME}",
    "^([a-z_][a-z0-9_]{0,62})?$": f"must be {_NAME}",
    "^[A-Za-z0-9_-]{1,64}$": "must be letters, digits, - and _, from 1 to 64 of them",
}

M = TypeVar("M", bound=Message)
E = TypeVar("E")
R = TypeVar("R")


class FieldRules:
    """Checks messages by the rules of their fields."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    def check(self, message: Message) -> None:
        """Raise InvalidFieldError that names the fields at fault."""
        violations = self._validator.collect_violations(message)
        if not violations:
            return
        wrong = [FieldViolation(_path(v), _words(v)) for v in violations]
        words = "; ".join(f"{violation.field}: {violation.description}" for violation in wrong)
        raise InvalidFieldError(words, *wrong, field=wrong[0].field)

    async def each(
        self,
        messages: Iterable[M],
        read: Callable[[M], E],
        run: Callable[[Sequence[E]], Awaitable[Sequence[R]]],
    ) -> list[R | HeadraceError]:
        """Check and read each of many messages by itself; carry out together those that are good.

        Returns an answer, or why there is none, for each message in order.
        """
        entries = [self._read(message, read) for message in messages]
        good = [entry for error, entry in entries if error is None and entry is not None]
        answers = iter(await run(good) if good else ())
        return [next(answers) if error is None else error for error, _ in entries]

    def _read(self, message: M, read: Callable[[M], E]) -> tuple[HeadraceError | None, E | None]:
        try:
            self.check(message)
            return None, read(message)
        except HeadraceError as error:
            return error, None


def _words(violation: protovalidate.Violation) -> str:
    message = violation.proto.message
    return next((words for each, words in _OF_PATTERNS.items() if f"`{each}`" in message), message)


def _path(violation: protovalidate.Violation) -> str:
    """The path of the field as a caller writes it, such as `contract.tables[0].name`."""
    path = violation.proto.field
    if path is None:
        return ""
    return ".".join(_step(element) for element in path.elements)


def _step(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    return f"{element.field_name}[{element.subscript.value}]"
