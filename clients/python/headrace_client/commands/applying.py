"""How declared pipelines and triggers are shown, agreed to and carried out."""

import difflib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from headrace.v1.pipeline_pb2 import Pipeline
from headrace.v1.trigger_pb2 import Trigger
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands.apply_plan import (
    Action,
    Change,
    carried_out,
    planned,
    validated,
    violations,
)
from headrace_client.commands.output import Output, as_dict
from headrace_client.commands.session import CLEAN, FAILED, explained
from headrace_client.errors import InvalidRequestError
from headrace_client.pipeline_files import Declared, PipelineFileError, read_declared

_SUFFIXES = {".yaml", ".yml", ".json"}
_COLOURS = {"+": "green", "-": "red"}
_VERBS = {Action.CREATE: "new", Action.UPDATE: "differs", Action.NONE: "unchanged"}
_STYLES = {Action.CREATE: "green", Action.UPDATE: "yellow", Action.NONE: "dim"}


def read_files(files: Iterable[Path]) -> list[Declared]:
    """Read what files declare. Raises typer.BadParameter, with file, line and field."""
    declared: list[Declared] = []
    for file in _each(files):
        try:
            text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
            declared += read_declared(text, "standard input" if str(file) == "-" else str(file))
        except UnicodeDecodeError:
            raise typer.BadParameter(f"{file} is no text in UTF-8") from None
        except OSError as error:
            raise typer.BadParameter(f"{file}: {error.strerror}") from None
        except PipelineFileError as error:
            raise typer.BadParameter(str(error)) from None
    return declared


async def applied(
    client: Client, declared: Sequence[Declared], output: Output, *, ask: bool, dry_run: bool
) -> int:
    """Create or update what differs, once agreed to; return the exit status.

    Raises typer.BadParameter for what is refused, before anything is changed, and HeadraceError.
    Where that comes in the midst, what was done before stays, and the same again does the rest.
    """
    try:
        changes = await planned(client, declared)
    except PipelineFileError as error:
        raise typer.BadParameter(str(error)) from None
    new = [change for change in changes if change.action is not Action.NONE]
    for change in changes:
        if not output.json:
            _show(change, output)
        elif dry_run or change.action is Action.NONE:
            output.document(_document(change))
    await _refuse_wrong(client, new)
    if dry_run or not new:
        return CLEAN
    if ask and not _agreed(new, output):
        output.remarks.print("nothing was changed")
        return FAILED
    for change in new:
        await _carry_out(client, change, output)
    return CLEAN


def _each(files: Iterable[Path]) -> Iterator[Path]:
    """Yield files, those of folders by name. Raises typer.BadParameter for a folder of none."""
    for file in files:
        if not file.is_dir():
            yield file
            continue
        found = sorted(each for each in file.iterdir() if each.suffix in _SUFFIXES)
        if not found:
            raise typer.BadParameter(f"{file} holds no file of {', '.join(sorted(_SUFFIXES))}")
        yield from found


def _agreed(new: Sequence[Change], output: Output) -> bool:
    """Ask on a terminal. Raises typer.BadParameter where there is none to ask on."""
    if output.json or not _is_interactive():
        raise typer.BadParameter("there is nobody to ask: give --yes, or --dry-run")
    things = "this" if len(new) == 1 else f"these {len(new)}"
    return typer.confirm(f"Apply {things}?", err=True)


def _is_interactive() -> bool:
    return sys.stdin.isatty()


async def _refuse_wrong(client: Client, changes: Iterable[Change]) -> None:
    """Raise typer.BadParameter for what the server finds wrong, all of it."""
    words: list[str] = []
    for change in changes:
        try:
            await validated(client, change)
        except InvalidRequestError as error:
            words += _words(client, change, error)
    if words:
        raise typer.BadParameter("\n".join(words))


async def _carry_out(client: Client, change: Change, output: Output) -> None:
    try:
        made = await carried_out(client, change)
    except InvalidRequestError as error:
        raise typer.BadParameter("\n".join(_words(client, change, error))) from None
    if output.json:
        output.document(_document(change) | {"result": as_dict(made)})
        return
    done = "created" if change.action is Action.CREATE else "updated"
    output.line(f"{done} {escape(change.title)}{escape(_told(made))}")


def _words(client: Client, change: Change, error: InvalidRequestError) -> list[str]:
    """What is wrong with a declaration, each with its place."""
    found = list(violations(change.declared, error.field_violations))
    return found or [f"{change.declared.place_of('')}: {explained(error, client.address)}"]


def _told(made: Pipeline | Trigger) -> str:
    """What there is to say of something that was written."""
    if isinstance(made, Pipeline):
        return f", version {made.version}"
    secret = f"; its secret, not shown again: {made.secret}" if made.secret else ""
    return f", {made.trigger_id}{secret}"


def _show(change: Change, output: Output) -> None:
    style, word = _STYLES[change.action], _VERBS[change.action]
    output.line(f"[bold]{escape(change.title)}[/]: [{style}]{word}[/]")
    for line in _difference(change):
        colour = _COLOURS.get(line[:1], "dim")
        output.line(f"  [{colour}]{escape(line)}[/]")


def _difference(change: Change) -> list[str]:
    """The lines that go and come, with three of what stands around each."""
    if change.action is Action.CREATE:
        return [f"+ {line}" for line in change.after.splitlines()]
    lines = difflib.unified_diff(
        change.before.splitlines(), change.after.splitlines(), lineterm="", n=3
    )
    # The first two name files; the third and its like say where.
    shown = list(lines)[3:]
    return ["..." if line.startswith("@@") else f"{line[:1]} {line[1:]}" for line in shown]


def _document(change: Change) -> dict[str, Any]:
    request = change.declared.request
    return {
        "kind": change.kind,
        "pipeline_id": request.pipeline_id,
        "name": request.name,
        "action": change.action.value,
        "difference": _difference(change),
    }
