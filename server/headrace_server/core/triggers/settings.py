"""Whether the settings of a trigger make sense for its type and its pipeline."""

from collections.abc import Mapping
from typing import Any

from headrace_server.core.pipelines.templates import BadTemplateError, holds_template, names_of
from headrace_server.core.pipelines.texts import texts_of
from headrace_server.core.pipelines.values import read_value
from headrace_server.core.schedules.times import check as check_schedule
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.pipeline import (
    NOTIFICATION_EMAIL,
    RESERVED_NAMES,
    Parameter,
)
from headrace_server.model.trigger import TriggerSettings, TriggerType


def check(type_: TriggerType, settings: TriggerSettings) -> None:
    """Raise InvalidFieldError where a setting is missing, wrong, or of another type."""
    if type_ is TriggerType.CRON:
        if settings.schedule is None:
            raise InvalidFieldError.of(
                "cron_schedule", 'must say when a trigger of type CRON fires, such as "0 2 * * *"'
            )
        check_schedule(settings.schedule, cron_field="cron_schedule")
    elif settings.schedule is not None:
        raise InvalidFieldError.of("cron_schedule", "is for triggers of type CRON only")
    if type_ is TriggerType.FILE:
        if not settings.folder_path:
            raise InvalidFieldError.of(
                "folder_path", "must say whose files fire a trigger of type FILE"
            )
    elif settings.folder_path or settings.file_pattern:
        field = "folder_path" if settings.folder_path else "file_pattern"
        raise InvalidFieldError.of(field, "is for triggers of type FILE only")


def check_parameters(parameters: tuple[Parameter, ...], given: Mapping[str, Any]) -> None:
    """Raise InvalidFieldError for values that no run of the pipeline would take.

    What templates write is known only when the trigger fires.
    """
    declared = {each.name: each for each in parameters}
    for name, value in given.items():
        field = f"parameters.{name}"
        if name not in declared and name != NOTIFICATION_EMAIL:
            known = ", ".join([*declared, NOTIFICATION_EMAIL])
            raise InvalidFieldError.of(field, f"the pipeline has no such parameter, only {known}")
        if not _check_templates(field, value) and name in declared and value is not None:
            _check_value(field, declared[name], value)
    for name, parameter in declared.items():
        if parameter.required and parameter.default is None and given.get(name) is None:
            raise InvalidFieldError.of(f"parameters.{name}", "the pipeline requires it")


def _check_templates(field: str, value: Any) -> bool:
    """Whether a value holds templates. Raises InvalidFieldError for bad ones."""
    texts = [(place, text) for place, text in texts_of(value, field) if holds_template(text)]
    for place, text in texts:
        try:
            unknown = sorted(names_of(text) - RESERVED_NAMES)
        except BadTemplateError as error:
            raise InvalidFieldError.of(place, str(error)) from error
        if unknown:
            known = ", ".join(sorted(RESERVED_NAMES))
            raise InvalidFieldError.of(place, f"{unknown[0]} is not known here, only {known}")
    return bool(texts)


def _check_value(field: str, parameter: Parameter, value: Any) -> None:
    try:
        read_value(parameter.type, value)
    except ValueError as error:
        raise InvalidFieldError.of(field, str(error)) from error
