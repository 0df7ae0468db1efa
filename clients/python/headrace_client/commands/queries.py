"""Queries as they are typed, and values as they are shown."""

import asyncio
import json
import re
import sys
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import typer

from headrace_client.client import Client
from headrace_client.commands.session import FAILED, USAGE
from headrace_client.errors import HeadraceError

_WIDEST_CELL = 60
_NO_TABLE = re.compile(r'no such table: (?P<one>\S+)|relation "(?P<other>[^"]+)" does not exist')
#: seconds that finding another name may take
_FINDING = 2.0
_OF_QUERIES = {"INVALID_QUERY", "QUERY_TIMEOUT"}


def query_of(query: str | None, file: Path | None) -> str:
    """Return the text of a query, from standard input where there is neither.

    Raises typer.BadParameter where there is both, or nothing, and for what is no text.
    """
    if file is not None and query is not None:
        raise typer.BadParameter("give the query as SQL or with --file, not both")
    if file is None and query not in {None, "-"}:
        return str(query)
    if file is None and sys.stdin.isatty():
        typer.echo("the query is read from here; Ctrl-D ends it", err=True)
    try:
        text = file.read_text("utf-8") if file is not None else sys.stdin.read()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"the query is no text in UTF-8: {error}") from None
    if not text.strip():
        raise typer.BadParameter("there is no query: give it as SQL, with --file or from a pipe")
    return text


def told(error: HeadraceError, text: str) -> int:
    """Say what is wrong with the query `text`, and show where; return the exit status.

    Raises `error` itself where it is not of the query.
    """
    if error.reason not in _OF_QUERIES:
        raise error
    if error.reason == "QUERY_TIMEOUT":
        typer.secho(f"error: {error.message} (--timeout)", err=True, fg="red")
        return FAILED
    field = error.metadata.get("field", "sql")
    typer.secho(f"error: {error.message.removeprefix(f'{field}: ')}", err=True, fg="red")
    if "line" in error.metadata:
        line = text.splitlines()[int(error.metadata["line"]) - 1].replace("\t", " ")
        typer.echo(f"  {line}\n  {' ' * (int(error.metadata['column']) - 1)}^", err=True)
    return USAGE


async def told_with_tables(client: Client, error: HeadraceError, text: str) -> int:
    """Do as `told`, and name the table that was meant where there is none of the name."""
    status = told(error, text)
    if missing := _NO_TABLE.search(error.message):
        with suppress(HeadraceError, TimeoutError):
            async with asyncio.timeout(_FINDING):
                meant = await _meant(client, missing["one"] or missing["other"])
                if meant:
                    typer.echo(f"there is {', '.join(meant)}", err=True)
    return status


async def _meant(client: Client, name: str) -> list[str]:
    """Tables of the name in other schemas; else the one that is written most like it."""
    bare = name.rpartition(".")[2].lower()
    tables = [(each.schema, each.name) async for each in client.list_tables(page_size=1000)]
    known = {
        table if schema == "public" else f"{schema}.{table}": table for schema, table in tables
    }
    alike = [full for full, table in known.items() if table.lower() == bare]
    return alike or get_close_matches(name, known, 1) or [
        full for full, table in known.items() if table in get_close_matches(bare, known.values(), 1)
    ]  # fmt: skip


def plain(value: Any) -> str:
    """Return a value as text: JSON for what is true, false, a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool | list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def cell(value: Any) -> str:
    """Return a value as one line that fits a table."""
    text = " ".join(plain(value).split())
    return text if len(text) <= _WIDEST_CELL else f"{text[: _WIDEST_CELL - 1]}…"
