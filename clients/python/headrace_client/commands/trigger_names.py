"""Triggers as they are named on the command line: by their ids, or by their names."""

from typing import Annotated

import typer
from headrace.v1.trigger_pb2 import Trigger

from headrace_client.client import Client

_ID_PREFIX = "trigger_"

TriggerName = Annotated[
    str, typer.Argument(metavar="TRIGGER", help="Its id, or its name if no other has it.")
]


async def refuse_taken(client: Client, pipeline_id: str, name: str) -> None:
    """Raise typer.BadParameter where a pipeline has a trigger of a name, by which it is known."""
    async for each in client.list_triggers(pipeline_id):
        if each.name == name:
            raise typer.BadParameter(
                f"{pipeline_id} has a trigger {name!r}: {each.trigger_id}", param_hint="NAME"
            )


async def trigger_id_of(client: Client, named: str) -> str:
    """Return the id of a trigger. Raises typer.BadParameter for a name that is not of one only."""
    if named.startswith(_ID_PREFIX):
        return named
    found: list[Trigger] = [each async for each in client.list_triggers() if each.name == named]
    if len(found) == 1:
        return found[0].trigger_id
    if found:
        ids = ", ".join(f"{each.trigger_id} of {each.pipeline_id}" for each in found)
        raise typer.BadParameter(f"several are called {named!r}; name one by its id: {ids}")
    raise typer.BadParameter(f"no trigger is called {named!r}; see `headrace triggers list`")
