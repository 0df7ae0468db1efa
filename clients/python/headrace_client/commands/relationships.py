"""relationships."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated

import typer
from headrace.v1.relationship_pb2 import Relationship, RelationshipDetection
from rich.markup import escape
from rich.tree import Tree

from headrace_client.client import Client
from headrace_client.commands.output import Output
from headrace_client.commands.session import CLEAN, EPILOG, FAILED, run
from headrace_client.relationships import is_open

app = typer.Typer(no_args_is_help=True, help="How the tables of the warehouse belong together.")

_POLL_SECONDS = 1.0
_ARROWS: dict[Relationship.Type, str] = {
    Relationship.MANY_TO_ONE: ">-",
    Relationship.ONE_TO_ONE: "--",
    Relationship.MANY_TO_MANY: "><",
}

SchemaOption = Annotated[str, typer.Option(help="The schema of the tables.")]
Ends = Annotated[
    str,
    typer.Argument(metavar="TABLE.COLUMN", help="Several columns: TABLE.A,B.", show_default=False),
]
Through = Annotated[str, typer.Option(help="The table that joins both sides.")]


@app.command("detect", epilog=EPILOG)
def detect(
    context: typer.Context,
    tables: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help="All of the schema if none.")
    ] = None,
    schema: SchemaOption = "public",
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="The least confidence that is shown.")
    ] = 0.8,
    ai: Annotated[bool, typer.Option(help="Whether the trained model judges.")] = True,
    evidence: Annotated[bool, typer.Option(help="Show what speaks for each.")] = False,
) -> None:
    """Find how tables belong together, and draw it.

    Examples:
    - `headrace relationships detect`
    - `headrace relationships detect orders customers --threshold 0.5 --evidence`

    """
    wanted = partial(
        Client.detect_relationships,
        tables=tables or [],
        schema=schema,
        confidence_threshold=threshold,
        use_ai=ai,
    )
    run(context, lambda client, output: _detect(client, output, wanted, evidence))


async def _detect(
    client: Client,
    output: Output,
    wanted: Callable[[Client], Awaitable[RelationshipDetection]],
    evidence: bool,
) -> int:
    found = await wanted(client)
    while is_open(found):
        output.remarks.print(f"{found.tables_read} of {found.total_tables} tables looked at")
        await asyncio.sleep(_POLL_SECONDS)
        found = await client.get_detection(found.detection_id)
    return _show(found, output, evidence=evidence)


@app.command("show", epilog=EPILOG)
def show(
    context: typer.Context,
    detection_id: Annotated[str, typer.Argument(metavar="ID", show_default=False)],
    evidence: Annotated[bool, typer.Option(help="Show what speaks for each.")] = False,
) -> None:
    """Show a detection once more; it is kept for 7 days."""
    run(context, lambda client, output: _shown(client, output, detection_id, evidence))


async def _shown(client: Client, output: Output, detection_id: str, evidence: bool) -> int:
    return _show(await client.get_detection(detection_id), output, evidence=evidence)


@app.command("accept", epilog=EPILOG)
def accept(
    context: typer.Context,
    from_: Ends,
    to: Ends,
    through: Through = "",
    schema: SchemaOption = "public",
) -> None:
    """Say that two columns belong together: detections return them as confirmed."""
    run(context, lambda client, _: _decide(client, from_, to, through, schema, accept=True))


@app.command("reject", epilog=EPILOG)
def reject(
    context: typer.Context,
    from_: Ends,
    to: Ends,
    through: Through = "",
    schema: SchemaOption = "public",
) -> None:
    """Say that two columns do not belong together: no detection returns them."""
    run(context, lambda client, _: _decide(client, from_, to, through, schema, accept=False))


async def _decide(
    client: Client, from_: str, to: str, through: str, schema: str, *, accept: bool
) -> int:
    (from_table, from_columns), (to_table, to_columns) = _end(from_), _end(to)
    await client.decide_relationship(
        from_table,
        from_columns,
        to_table,
        to_columns,
        accept=accept,
        through=through,
        schema=schema,
    )
    return CLEAN


def _end(text: str) -> tuple[str, list[str]]:
    table, point, columns = text.partition(".")
    if not (table and point and columns):
        raise typer.BadParameter(f"{text!r} must be TABLE.COLUMN, or TABLE.A,B")
    return table, columns.split(",")


def _show(found: RelationshipDetection, output: Output, *, evidence: bool) -> int:
    if output.json:
        output.document(found)
    elif found.status == RelationshipDetection.COMPLETED:
        _show_found(found, output, evidence=evidence)
    else:
        status = RelationshipDetection.Status.Name(found.status)
        output.say(f"{status} {escape(found.error)}".rstrip())
    ended_badly = found.status in (RelationshipDetection.FAILED, RelationshipDetection.CANCELLED)
    return FAILED if ended_badly else CLEAN


def _show_found(found: RelationshipDetection, output: Output, *, evidence: bool) -> None:
    rows = [
        (
            _ends(each.from_table, each.from_columns),
            _ARROWS[each.relationship_type],
            _ends(each.to_table, each.to_columns),
            each.through,
            f"{each.confidence:.2f}",
            Relationship.DetectionMethod.Name(each.detection_method).lower(),
        )
        for each in found.relationships
    ]
    output.table(("from", "", "to", "through", ">sure", "told by"), rows, spare=("told by",))
    if evidence:
        for each in found.relationships:
            output.say(f"[bold]{escape(_ends(each.from_table, each.from_columns))}[/]")
            for sentence in each.evidence:
                output.say(f"  {escape(sentence)}")
    for root in drawn(found.relationships):
        output.console.print(root)
    for join in found.suggested_joins:
        output.say(escape(join))
    output.say(f"{found.total_relationships} relationships; detection {found.detection_id}")


def _ends(table: str, columns: Sequence[str]) -> str:
    return f"{table}.{','.join(columns)}"


def drawn(relationships: Sequence[Relationship]) -> list[Tree]:
    """Draw the joins: below each table those that refer to it, each table's own below it once."""
    references = [r for r in relationships if r.relationship_type != Relationship.MANY_TO_MANY]
    children = {r.from_table for r in references if r.from_table != r.to_table}
    parents = dict.fromkeys(r.to_table for r in references)
    drawn_once: set[str] = set()
    tops = [table for table in parents if table not in children]
    # After those that refer to nothing comes what refers in a circle.
    return [
        _branch(Tree(escape(table)), table, references, drawn_once)
        for table in [*tops, *parents]
        if table not in drawn_once
    ]


def _branch(
    tree: Tree, table: str, references: Sequence[Relationship], drawn_once: set[str]
) -> Tree:
    if table in drawn_once:
        return tree
    drawn_once.add(table)
    for each in references:
        if each.to_table == table:
            arrow = _ARROWS[each.relationship_type]
            label = f"{arrow} {_ends(each.from_table, each.from_columns)}"
            _branch(tree.add(escape(label)), each.from_table, references, drawn_once)
    return tree
