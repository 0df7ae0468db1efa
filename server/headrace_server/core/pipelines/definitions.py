"""What a definition must be, told when it is written rather than when it is run."""

import json
from collections.abc import Iterable, Iterator, Mapping

from headrace_server.core.pipelines.templates import BadTemplateError, holds_template, names_of
from headrace_server.core.pipelines.texts import texts_of
from headrace_server.core.pipelines.values import read_value
from headrace_server.model.errors import FieldViolation, InvalidFieldError, TooLargeError
from headrace_server.model.pipeline import (
    NOTIFICATION_EMAIL,
    RESERVED_NAMES,
    Definition,
    ImportFile,
    Parameter,
    Step,
)

#: bytes of a definition at most, as JSON
MOST_BYTES = 1 << 20
_MOST_VIOLATIONS = 20


def check(definition: Definition) -> None:
    """Raise InvalidFieldError that names what is wrong, TooLargeError for too much of it."""
    if len(json.dumps(definition.written)) > MOST_BYTES:
        raise TooLargeError(f"a pipeline has at most {MOST_BYTES} bytes", limit=str(MOST_BYTES))
    found = [
        violation
        for each in (
            _wrong_parameters(definition.parameters),
            _wrong_steps(definition.steps),
            _wrong_texts(definition),
        )
        for violation in each
    ][:_MOST_VIOLATIONS]
    if found:
        first = found[0]
        words = f"{first.field}: {first.description}"
        raise InvalidFieldError(words, *found, field=first.field)


def _wrong_parameters(parameters: Iterable[Parameter]) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for place, parameter in enumerate(parameters):
        field = f"parameters[{place}]"
        if parameter.name in seen:
            yield FieldViolation(f"{field}.name", f"the name {parameter.name!r} comes twice")
        if parameter.name in RESERVED_NAMES or parameter.name == NOTIFICATION_EMAIL:
            what = f"{parameter.name!r} is a name that every run has; take another"
            yield FieldViolation(f"{field}.name", what)
        seen.add(parameter.name)
        yield from _wrong_default(parameter, f"{field}.default")


def _wrong_default(parameter: Parameter, field: str) -> Iterator[FieldViolation]:
    templated = [text for _, text in texts_of(parameter.default, field) if holds_template(text)]
    try:
        for text in templated:
            if unknown := names_of(text) - RESERVED_NAMES:
                yield FieldViolation(field, _unknown(unknown, RESERVED_NAMES))
        if parameter.default is not None and not templated:
            read_value(parameter.type, parameter.default)
    except (BadTemplateError, ValueError) as error:
        yield FieldViolation(field, str(error))


def _wrong_steps(steps: tuple[Step, ...]) -> Iterator[FieldViolation]:
    known = {step.step_id for step in steps}
    seen: set[str] = set()
    for place, step in enumerate(steps):
        if step.step_id in seen:
            yield FieldViolation(f"steps[{place}].id", f"the id {step.step_id!r} comes twice")
        seen.add(step.step_id)
        for other, dependency in enumerate(step.depends_on):
            if dependency not in known:
                field = f"steps[{place}].depends_on[{other}]"
                yield FieldViolation(field, f"there is no step {dependency!r}")
        yield from _wrong_settings(step, f"steps[{place}]")
    if circle := _circle({step.step_id: step.depends_on for step in steps}):
        place = next(n for n, step in enumerate(steps) if step.step_id == circle[0])
        words = f"steps wait for one another: {' -> '.join(circle)}"
        yield FieldViolation(f"steps[{place}].depends_on", words)


def _wrong_settings(step: Step, field: str) -> Iterator[FieldViolation]:
    settings = step.settings
    if isinstance(settings, ImportFile):
        path = settings.file_path
        if not path.startswith("/") and not path.startswith("{{"):
            yield FieldViolation(f"{field}.import_file.file_path", "must begin with / or {{")


def _circle(dependencies: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return steps of which each depends on the next, the first twice; empty where none do."""
    done: set[str] = set()
    for start in dependencies:
        path: list[str] = []
        # Not by recursion: a chain may be as long as there are steps.
        stack = [(start, iter(dependencies[start]))]
        while stack:
            step, others = stack[-1]
            if step not in path:
                path.append(step)
            following = next((each for each in others if each not in done), None)
            if following is None:
                stack.pop()
                path.remove(step)
                done.add(step)
            elif following in path:
                return [*path[path.index(following) :], following]
            elif following in dependencies:
                stack.append((following, iter(dependencies[following])))
    return []


def _wrong_texts(definition: Definition) -> Iterator[FieldViolation]:
    known = RESERVED_NAMES | {parameter.name for parameter in definition.parameters}
    for place, step in enumerate(definition.steps):
        for field, text in texts_of(step.settings, f"steps[{place}].{step.kind.value}"):
            try:
                if unknown := names_of(text) - known:
                    yield FieldViolation(field, _unknown(unknown, known))
            except BadTemplateError as error:
                yield FieldViolation(field, str(error))


def _unknown(unknown: Iterable[str], known: Iterable[str]) -> str:
    name = min(unknown)
    return f"{{{{ {name} }}}} names no parameter; known are {', '.join(sorted(known))}"
