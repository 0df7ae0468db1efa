"""Calls from outside that fire triggers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import structlog

from headrace_server.core.schedules.schedules import Schedules
from headrace_server.core.triggers.firing import Fire, Firing, new_execution_id
from headrace_server.core.triggers.loops import CHAIN
from headrace_server.core.triggers.outcomes import Outcomes
from headrace_server.core.triggers.secrets import WebhookSecrets, new_secret
from headrace_server.core.triggers.signatures import message_id_of, proves
from headrace_server.db import trigger_arrivals as arrival_rows
from headrace_server.db import trigger_executions as execution_rows
from headrace_server.db import triggers as trigger_rows
from headrace_server.db.engine import Connection, ControlStore
from headrace_server.model.errors import (
    InvalidFieldError,
    TooLargeError,
    UnauthenticatedError,
    WrongStateError,
)
from headrace_server.model.json_values import trouble_with
from headrace_server.model.nesting import MAX_DEPTH, is_deeper
from headrace_server.model.trigger import Execution, Trigger, WebhookAuth

#: bytes of a body at most
MOST_BODY = 1 << 20
#: how long a message is known, so that it is not taken twice
REMEMBERED = timedelta(days=1)
#: name of the header by which a chain of triggers is handed on
CHAIN_HEADER = "x-headrace-chain"
_MOST_CHAIN = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A call as it came in."""

    #: by lower-case name
    headers: Mapping[str, str]
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a call."""

    execution_id: str
    #: None where it was so long ago that it is forgotten
    execution: Execution | None
    #: whether the message was taken before
    duplicate: bool


class WebhookFires:
    """Takes calls that prove where they come from, each message once."""

    def __init__(
        self,
        store: ControlStore,
        schedules: Schedules,
        firing: Firing,
        outcomes: Outcomes,
        secrets: WebhookSecrets,
    ) -> None:
        self._store = store
        self._schedules = schedules
        self._firing = firing
        self._outcomes = outcomes
        self._secrets = secrets
        # What calls to no trigger are compared with, so that they take as long.
        self._nobodys = [new_secret(WebhookAuth.SIGNATURE)]

    async def fire(self, trigger_id: str, call: WebhookCall) -> Delivery:
        """Fire a trigger; a message that was taken before does nothing.

        Raises UnauthenticatedError, alike for a wrong proof and for a trigger that does not exist,
        TooLargeError and InvalidFieldError.
        """
        text = _text_of(call)
        trigger = await self._proved(trigger_id, call, text)
        event = _event_of(call, text)
        execution_id = new_execution_id()
        async with self._store.begin() as connection:
            held = await self._outcomes.lock(connection, trigger.tenant_id, trigger_id)
            if held is None:
                raise _refusal()  # deleted at this moment
            now = await self._schedules.now(connection)
            message_id = message_id_of(call.headers)
            if message_id is not None:
                first_id = await self._take(connection, trigger_id, message_id, execution_id, now)
                if first_id != execution_id:
                    first = await execution_rows.find(connection, first_id)
                    return Delivery(first_id, first, duplicate=True)
            fire = Fire(now, now, event, webhook_id=message_id, execution_id=execution_id)
            execution = await self._firing.fire(connection, held, fire)
        self._firing.announce()
        return Delivery(execution_id, execution, duplicate=False)

    async def _proved(self, trigger_id: str, call: WebhookCall, text: str) -> Trigger:
        async with self._store.read() as connection:
            now = await self._schedules.now(connection)
            found = await trigger_rows.find_webhook(connection, trigger_id)
        if found is None:
            proves(WebhookAuth.SIGNATURE, self._nobodys, call.headers, text, now)
            raise _refusal()
        trigger, auth, stored = found
        try:
            secrets = self._secrets.live(trigger.tenant_id, trigger_id, stored, now)
        except WrongStateError as error:
            # For whoever runs the server; strangers are told nothing of its keys.
            _log.error("triggers.cannot_open_secret", trigger_id=trigger_id, error=error.message)
            raise _refusal() from error
        if not proves(auth, secrets, call.headers, text, now):
            _log.info("triggers.webhook_refused", trigger_id=trigger_id)
            raise _refusal()
        return trigger

    async def _take(
        self,
        connection: Connection,
        trigger_id: str,
        message_id: str,
        execution_id: str,
        now: datetime,
    ) -> str:
        """Note a message; returns the execution that it led to the first time."""
        digest = sha256(message_id.encode()).hexdigest()
        return await arrival_rows.take_message(
            connection, trigger_id, digest, execution_id, now + REMEMBERED
        )


def _text_of(call: WebhookCall) -> str:
    """Read a body. Raises TooLargeError, and InvalidFieldError for what is no text."""
    if len(call.body) > MOST_BODY:
        raise TooLargeError(
            f"the body of a webhook may have {MOST_BODY} bytes at most", limit=str(MOST_BODY)
        )
    try:
        text = call.body.decode()
    except UnicodeDecodeError as error:
        raise InvalidFieldError.of("body", "must be text in UTF-8, such as JSON") from error
    if "\0" in text:
        raise InvalidFieldError.of("body", "must hold no NUL character")
    return text


def _event_of(call: WebhookCall, text: str) -> dict[str, Any]:
    """Return what templates name: JSON as its values, any other body as its text."""
    chain = [each for each in call.headers.get(CHAIN_HEADER, "").split(",") if each]
    return {
        "body": _value_of(text),
        "content_type": call.content_type,
        CHAIN: chain[:_MOST_CHAIN],
    }


def _value_of(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return text
    # NUL and halves of surrogate pairs may come escaped. Such a body could not be stored or shown.
    return text if is_deeper(value, MAX_DEPTH) or trouble_with(value) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # JSON has no NaN and no infinity


def _refusal() -> UnauthenticatedError:
    return UnauthenticatedError(
        "no webhook has this id, or the proof is missing, wrong or more than 5 minutes off: sign"
        " id, time and body as Standard Webhooks says, or send the token as x-webhook-token"
    )
