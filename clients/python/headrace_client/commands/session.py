"""What every command shares: the connection options, one event loop, and how errors end it."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import grpc
import typer
from headrace.v1.ingestion_pb2 import Ingestion
from typer.core import TyperGroup, TyperOption

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.errors import HeadraceError, InvalidRequestError, UnavailableError

CLEAN, FAILED, USAGE, WITH_ERRORS, INTERRUPTED = 0, 1, 2, 3, 130

EPILOG = "Connection options (--address, --api-key, --json ...) may stand anywhere: headrace --help"


# Fields of requests, as they are typed.
_OPTIONS = {
    "data_type": "--data-type",
    "file_name": "FILE",
    "tenant_id": "--tenant-id",
    "file_path": "FILE",
    "folder_path": "FOLDER",
    "local_path": "LOCAL_PATH",
    "network_path": "NETWORK_PATH",
    "endpoint_url": "--endpoint-url",
    "target_table": "--table",
    "key_columns": "--key",
    "data_types": "--type",
    "null_values": "--null",
    "file_patterns": "--pattern",
    "stable_seconds": "--stable",
    "poll_seconds": "--poll",
    "notification_email": "--notify-email",
    "notification_url": "--notify-url",
    "time_zone": "--time-zone",
    "refresh_strategy": "--refresh",
    "retention_days": "--retention-days",
    "sheet_name": "--sheet-name",
    "keep_hours": "--keep-hours",
    "cron_schedule": "--cron",
    "catch_up_window_seconds": "--catch-up-window",
    "jitter_seconds": "--jitter",
    "file_pattern": "--pattern",
    "from": "--from",
}
_DATA_TYPE = re.compile(r"\bdata_type\b")
# What stands around the name of a field that is within others, or one of several.
_AROUND = re.compile(r"^(import_config\.)?(options\.)?(output_config\.)?|\[.*\]$")
# Reasons for which a file is refused before any of its bytes were sent.
_WRONG_USAGE = {"UNKNOWN_DATA_TYPE", "UNSUPPORTED_FORMAT", "INVALID_FIELD"}


@dataclass(frozen=True, slots=True)
class Settings:
    """The connection options of one run of the command."""

    #: where the server is, as typed
    address: str
    #: key sent with each call
    api_key: str | None
    #: tenant that an admin key acts for
    tenant_id: str | None
    #: PEM file of the certificates to trust; None: the system's
    tls_ca: Path | None
    #: PEM file of the client's certificate
    tls_cert: Path | None
    #: PEM file of the client's private key
    tls_key: Path | None
    #: deadline of a call in seconds
    timeout: float
    #: whether to print for programs
    json: bool
    #: the options that were typed and name the server and tenant, as the next command needs them
    typed: str = ""

    def output(self) -> Output:
        """Return where results go."""
        return Output(json=self.json, typed=self.typed)

    def client(self, tenant_id: str | None = None) -> Client:
        """Return a client, for `tenant_id` where one is given. Raises typer.BadParameter."""
        try:
            return Client(
                self.address,
                api_key=self.api_key,
                tenant_id=tenant_id or self.tenant_id,
                tls_ca=self.tls_ca,
                tls_cert=self.tls_cert,
                tls_key=self.tls_key,
                timeout=self.timeout,
            )
        except (ValueError, OSError) as error:
            raise typer.BadParameter(str(error)) from None


class HoistingGroup(TyperGroup):
    """A group whose own options may also stand behind the sub-command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the group's options to the front, up to a `--`."""
        own = {
            name: not option.is_flag
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_eager  # --help, --version
            for name in option.opts
        }
        return super().parse_args(ctx, hoisted(args, own))


def hoisted(args: list[str], own: dict[str, bool]) -> list[str]:
    """Return `args` with the options in `own` first; its values tell which take a value."""
    front: list[str] = []
    rest: list[str] = []
    left = iter(args)
    for arg in left:
        name, equals, _ = arg.partition("=")
        if arg == "--":
            rest.extend((arg, *left))
        elif name not in own:
            rest.append(arg)
        else:
            front.append(arg)
            if own[name] and not equals:
                front.extend(value for value in [next(left, None)] if value is not None)
    return front + rest


def settings_of(context: typer.Context) -> Settings:
    """Return the settings that the group read."""
    settings = context.find_object(Settings)
    assert settings is not None  # noqa: S101  # the group's callback has set it
    return settings


def run(
    context: typer.Context,
    work: Callable[[Client, Output], Awaitable[int]],
    *,
    way_on: Callable[[], str] = str,
) -> NoReturn:
    """Run `work` with a client and exit with the status it returns; `way_on` is `finish`'s."""
    settings = settings_of(context)

    async def connected() -> int:
        async with settings.client() as client:
            return await work(client, settings.output())

    finish(connected, settings, way_on=way_on)


def finish(
    work: Callable[[], Any], settings: Settings, *, way_on: Callable[[], str] = str
) -> NoReturn:
    """Run a coroutine function to its exit status; an error is one line on standard error.

    `way_on` tells, after an interruption or where the server went away, how to go on.
    """
    try:
        status = asyncio.run(work())
    except HeadraceError as error:
        text = explained(error, settings.address)
        way = way_on() if isinstance(error, UnavailableError) else ""
        typer.secho(f"error: {'; '.join(filter(None, (text, way)))}", err=True, fg="red")
        status = FAILED
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = FAILED
    except OSError as error:
        typer.secho(f"error: {error}", err=True, fg="red")
        status = FAILED
    except KeyboardInterrupt:
        typer.echo(": ".join(filter(None, ("interrupted", way_on()))), err=True)
        status = INTERRUPTED
    raise typer.Exit(status)


def explained(error: HeadraceError, address: str) -> str:
    """Return an error in one line, with the way out where one is known."""
    if error.code is grpc.StatusCode.UNAVAILABLE and not error.reason:
        return (
            f"no server answers at {address}: start one with `headrace-server up`, "
            "or name another with --address"
        )
    if error.code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return f"{address} did not answer in time: try again, or give it longer with --timeout"
    if error.code is grpc.StatusCode.UNAUTHENTICATED:
        return f"{error.message}: set --api-key or HEADRACE_API_KEY to a valid key"
    if error.metadata.get("scope") == "admin":
        return f"{error.message}: `headrace-server create-admin-key` makes a key for --api-key"
    message = _DATA_TYPE.sub("--data-type", error.message)
    new = [
        (_option(field), _DATA_TYPE.sub("--data-type", text.removeprefix(f"{field}: ")))
        for field, text in error.field_violations
        if text not in error.message or _option(field) != field
    ]
    if new:
        message = "; ".join(f"{field}: {text}" for field, text in new)
    known = error.metadata.get("known")
    if known and not all(name in message for name in known.split(", ")):
        message += f" (known: {known})"
    if error.reason in {"", "INTERNAL"} and error.request_id:
        message += f" (request id {error.request_id})"
    return " ".join(message.split())


def _option(field: str) -> str:
    """Return a field of a request as it is typed; itself where it is not."""
    name = _AROUND.sub("", field)
    return _OPTIONS.get(name, name)


@contextmanager
def usage_errors(address: str) -> Iterator[None]:
    """Turn the refusal of a request, whose words were typed, into wrong usage."""
    try:
        yield
    except InvalidRequestError as error:
        raise typer.BadParameter(explained(error, address)) from None


def exit_status(*ingestions: Ingestion) -> int:
    """Return the exit status that ended ingestions deserve together; running ones are clean."""
    statuses = {ingestion.status for ingestion in ingestions}
    if statuses & {Ingestion.FAILED, Ingestion.CANCELLED}:
        return FAILED
    return WITH_ERRORS if Ingestion.COMPLETED_WITH_ERRORS in statuses else CLEAN


def error_status(error: HeadraceError) -> int:
    """Return the exit status of a file that was not taken: the words typed were wrong, or not."""
    return USAGE if error.reason in _WRONG_USAGE else FAILED


def follow_text(request_id: str, output: Output) -> str:
    """Return how an ingestion that is with the server is followed or ended."""
    watch, cancel = (output.command(f"{verb} {request_id}") for verb in ("watch", "cancel"))
    return f"the ingestion goes on at the server: {watch}, {cancel}"
