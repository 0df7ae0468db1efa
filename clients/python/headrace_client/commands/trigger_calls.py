"""triggers fire, rotate-secret."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.trigger_pb2 import TriggerExecution
from headrace.v1.trigger_service_pb2 import FireWebhookResponse
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.commands.trigger_names import TriggerName, trigger_id_of
from headrace_client.commands.trigger_tables import show_trigger
from headrace_client.errors import AccessDeniedError, HeadraceError

_SECRET = "HEADRACE_TRIGGER_SECRET"  # noqa: S105  # where from


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("fire", epilog=EPILOG)(fire)
    app.command("rotate-secret", epilog=EPILOG)(rotate_secret)


def fire(
    context: typer.Context,
    trigger: TriggerName,
    *,
    data: Annotated[
        str,
        typer.Option("--data", "-d", help="The body, or @FILE; templates call it event.body."),
    ] = "{}",
    message_id: Annotated[
        str, typer.Option(help="Names the message: the same again does nothing. Made up if none.")
    ] = "",
    content_type: Annotated[str, typer.Option(help="What the body is.")] = "application/json",
) -> None:
    """Fire a webhook as a sender does: signed as Standard Webhooks says, or with its token.

    The secret is read from HEADRACE_TRIGGER_SECRET, or asked for. No API key is needed where
    TRIGGER is an id.

    Examples:
    - `headrace triggers fire pushed -d '{"day": "2026-03-02"}'`
    - `headrace triggers fire trigger_0f3a... -d @order.json --message-id order-4711`

    """
    body = _body(data)
    secret = _secret()

    async def work(client: Client, output: Output) -> int:
        named = await trigger_id_of(client, trigger)
        try:
            with usage_errors(client.address):
                answer = await client.fire_webhook(
                    named, body, secret, message_id=message_id, content_type=content_type
                )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None
        except AccessDeniedError as error:  # it is no key of ours that is wrong
            raise HeadraceError(
                f"{error.message}: is {_SECRET} that of this trigger?", reason=error.reason
            ) from None
        if output.json:
            output.document(answer)
        else:
            _show_answer(answer, output)
        return CLEAN

    run(context, work)


def rotate_secret(
    context: typer.Context,
    trigger: TriggerName,
    keep: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="SECONDS",
            help="How long the secret before it is taken still; a day if not given.",
        ),
    ] = None,
) -> None:  # fmt: skip
    """Make a new secret for a webhook, and show it, this time only."""

    async def work(client: Client, output: Output) -> int:
        with usage_errors(client.address):
            rotated = await client.rotate_trigger_secret(
                await trigger_id_of(client, trigger), keep_seconds=keep
            )
        if output.json:
            output.document(rotated)
        else:
            show_trigger(rotated, output)
        return CLEAN

    run(context, work)


def _body(data: str) -> bytes:
    """Read what is sent. Raises typer.BadParameter for a file that cannot be read."""
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise typer.BadParameter(str(error), param_hint="--data") from None


def _secret() -> str:
    known = os.environ.get(_SECRET)
    if known:
        return known
    if sys.stdin.isatty():
        asked: str = typer.prompt("Secret of the trigger", hide_input=True, err=True)
        return asked
    raise typer.BadParameter(f"the secret is missing: set {_SECRET}")


def _show_answer(answer: FireWebhookResponse, output: Output) -> None:
    status = TriggerExecution.Status.Name(answer.status)
    again = ", as the first time: the message was taken before" if answer.duplicate else ""
    pairs = [("status", f"{status}{again}"), ("execution", answer.execution_id)]
    if answer.HasField("reason"):
        pairs.append(("reason", escape(answer.reason)))
    if answer.run_id:
        pairs.append(("run", answer.run_id))
        pairs.append(("next", escape(output.command(f"runs watch {answer.run_id}"))))
    output.facts(pairs)
