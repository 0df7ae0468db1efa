"""Values that runs are given, as typed: NAME=VALUE."""

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer
from headrace.v1.pipeline_pb2 import Pipeline, PipelineParameter

#: parameter that any run takes: the address told when it ends
NOTIFICATION_EMAIL = "notification_email"

ValuesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        help="A value of a parameter; notification_email is told of the end. Several times.",
    ),
]


def run_values(typed: Sequence[str] | None, pipeline: Pipeline) -> dict[str, Any]:
    """Return values by name: JSON where the parameter takes any, texts otherwise.

    Raises typer.BadParameter for a parameter that the pipeline has not, and for what is no value.
    """
    types = {parameter.name: parameter.type for parameter in pipeline.parameters}
    values: dict[str, Any] = {}
    for text in typed or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise _wrong(f"{text!r} must be NAME=VALUE")
        if name not in types and name != NOTIFICATION_EMAIL:
            raise _wrong(_unknown(name, pipeline.pipeline_id, types))
        if name in values:
            raise _wrong(f"{name} is given twice")
        # A template of a trigger is a text; what it gives is JSON later.
        is_json = types.get(name) == PipelineParameter.JSON and "{{" not in value
        values[name] = _json(name, value) if is_json else value
    return values


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _wrong(f"{name} takes JSON: {error}") from None


def _unknown(name: str, pipeline_id: str, known: Iterable[str]) -> str:
    names = ", ".join((*known, NOTIFICATION_EMAIL))
    return f"{pipeline_id} has no parameter {name!r}; it takes {names}"


def _wrong(text: str) -> typer.BadParameter:
    return typer.BadParameter(text, param_hint="-p")
