"""What a definition must be."""

from typing import Any

import pytest

from headrace_server.core.pipelines.definitions import MOST_BYTES, check
from headrace_server.model.errors import InvalidFieldError, TooLargeError
from headrace_server.model.export import ExportRequest, ExportSource, SourceType
from headrace_server.model.mapping import Mapping
from headrace_server.model.pipeline import (
    Approval,
    ConvertFile,
    Definition,
    ImportFile,
    Ingest,
    Parameter,
    ParameterType,
    Step,
)

T = ParameterType


def step(step_id: str, *depends_on: str, settings: Any = None) -> Step:
    return Step(step_id, settings or Approval(), depends_on)


def query(sql: str) -> ExportRequest:
    return ExportRequest(source=ExportSource(SourceType.QUERY, sql))


def test_what_is_right_passes() -> None:
    check(
        Definition(
            "p",
            (
                step("c", "b", "a", settings=query("SELECT {{ n }}, {{ day | sql }}")),
                step("a", settings=ImportFile("{{ event.file }}", "raw.{{ name }}")),
                step("b", "a", settings=ImportFile("/in/{{ execution_date }}.csv")),
            ),
            (
                Parameter("n", T.INTEGER, 5),
                Parameter("day", T.DATE, "{{ execution_date | add_days(-1) }}"),
                Parameter("name"),
            ),
        )
    )


def test_a_long_chain_is_no_circle() -> None:
    steps = [step(f"s{n}", *([f"s{n + 1}"] if n < 99 else [])) for n in range(100)]
    check(Definition("p", tuple(steps)))


@pytest.mark.parametrize(
    ("steps", "field", "why"),
    [
        ([step("a"), step("a")], "steps[1].id", "comes twice"),
        ([step("a", "b")], "steps[0].depends_on[0]", "there is no step 'b'"),
        ([step("a", "a")], "steps[0].depends_on", "a -> a"),
        (
            [step("x"), step("a", "c"), step("b", "a"), step("c", "b")],
            "steps[1].depends_on",
            "a -> c -> b -> a",
        ),
        (
            [step("a", settings=ImportFile("in/x.csv"))],
            "steps[0].import_file.file_path",
            "begin with / or {{",
        ),
        (
            [step("a", settings=ImportFile("/{{ nobody }}"))],
            "steps[0].import_file.file_path",
            "{{ nobody }} names no parameter; known are event",
        ),
        (
            [step("a", settings=ConvertFile("f", "text", {"deep": [{"x": "{{ 1 + }}"}]}))],
            "steps[0].remote_job.task_options.deep[0].x",
            "line 1",
        ),
        (
            [step("a", settings=Ingest((Mapping("m", "s", "{% if %}", {}),)))],
            "steps[0].ingest.mappings[0].target",
            "line 1",
        ),
        ([step("a", settings=query("{{ n | rm }}"))], "steps[0].export.source.query", "no filter"),
        ([step("a", settings=Approval("{{ f() }}"))], "steps[0].approval.message", "called"),
    ],
)
def test_steps_that_are_wrong_are_named(steps: list[Step], field: str, why: str) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        check(Definition("p", tuple(steps)))
    assert caught.value.violations[0].field == field
    assert why in caught.value.violations[0].description


@pytest.mark.parametrize(
    ("parameters", "field", "why"),
    [
        ([Parameter("a"), Parameter("a")], "parameters[1].name", "comes twice"),
        ([Parameter("run_id")], "parameters[0].name", "every run has"),
        ([Parameter("notification_email")], "parameters[0].name", "every run has"),
        ([Parameter("a", T.INTEGER, "x")], "parameters[0].default", "a whole number"),
        ([Parameter("a", T.DATE, "{{ b }}")], "parameters[0].default", "names no parameter"),
        ([Parameter("a", T.DATE, "{{ b")], "parameters[0].default", "line 1"),
    ],
)
def test_parameters_that_are_wrong_are_named(
    parameters: list[Parameter], field: str, why: str
) -> None:
    with pytest.raises(InvalidFieldError) as caught:
        check(Definition("p", (step("a"),), tuple(parameters)))
    assert caught.value.violations[0].field == field
    assert why in caught.value.violations[0].description


def test_all_that_is_wrong_is_told_at_once_within_bounds() -> None:
    steps = tuple(step(f"s{n}", "nobody") for n in range(100))
    with pytest.raises(InvalidFieldError) as caught:
        check(Definition("p", steps))
    assert len(caught.value.violations) == 20


def test_a_definition_has_a_size() -> None:
    with pytest.raises(TooLargeError):
        check(Definition("p", (step("a"),), written={"steps": ["x" * MOST_BYTES]}))
