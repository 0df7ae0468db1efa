"""Loops: a trigger that starts what fires it, directly or by way of others.

A run carries the triggers that led to it in its event, and what it causes inherits them where that
can be known: of a file, that it was written while a run was under way that writes such a file.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote

from headrace_server.core.pipelines.settings import settings_of
from headrace_server.db import pipelines as pipeline_rows
from headrace_server.db import runs as run_rows
from headrace_server.db import trigger_causes as cause_rows
from headrace_server.db.engine import Connection
from headrace_server.model.errors import InvalidFieldError
from headrace_server.model.pipeline import Definition, Ingest
from headrace_server.model.run import Run
from headrace_server.model.trigger import Trigger

#: name in events of the triggers that led to a run, first ones first
CHAIN = "chain"
#: triggers that may lead to one another
MOST_LINKS = 10
#: how far the clock of a place of files may be off
_SKEW = timedelta(seconds=2)
_TEMPLATE = re.compile(r"\{\{.*?\}\}")


def chain_of(event: Mapping[str, Any]) -> list[str]:
    """Return the triggers that led to what an event tells of."""
    chain = event.get(CHAIN, [])
    return [each for each in chain if isinstance(each, str)] if isinstance(chain, list) else []


def marked(trigger: Trigger, event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a run that the trigger starts."""
    return {**event, CHAIN: [*chain_of(event), trigger.trigger_id]}


def refusal(trigger: Trigger, event: Mapping[str, Any]) -> str | None:
    """Say why a trigger must not fire where it would start itself; None where it would not."""
    chain = chain_of(event)
    if trigger.trigger_id in chain:
        begin = chain.index(trigger.trigger_id)
        others = [each for each in chain[begin + 1 :] if each != trigger.trigger_id]
        by = f" by way of {', '.join(others)}" if others else ""
        return (
            f"this is a loop: what the trigger started fires it again{by}; have the pipeline write"
            " elsewhere, or under names that file_pattern leaves out"
        )
    if len(chain) >= MOST_LINKS:
        return f"{MOST_LINKS} triggers led to one another; that is a loop, or will be one"
    return None


async def led_to_file(
    connection: Connection, tenant_id: str, file_path: str, modified_at: datetime
) -> list[str]:
    """Return the triggers that led to a file: those of the run that wrote it, if one did."""
    name = file_path.rpartition("/")[2]
    under_way = await cause_rows.runs_under_way(
        connection, tenant_id, modified_at - _SKEW, modified_at + _SKEW
    )
    for run in under_way:
        pipeline = await pipeline_rows.find(
            connection, tenant_id, run.pipeline_id, run.pipeline_version
        )
        if pipeline is None or not writes(pipeline.definition, name):
            continue
        found = await run_rows.find(connection, tenant_id, run.run_id)
        if found is not None and wrote(found, pipeline.definition, name):
            return chain_of(run.event)
    return []


def wrote(run: Run, definition: Definition, file_name: str) -> bool:
    """Whether a run carries something to a file of that name, templates filled.

    Otherwise each file that comes while "{{ day }}.json" is written would be taken for it.
    """
    for step in definition.steps:
        if isinstance(step.settings, Ingest):
            try:
                settings = settings_of(run, definition, step.step_id)
            except InvalidFieldError:
                continue  # it writes nothing
            if isinstance(settings, Ingest) and file_name in _names_of(settings):
                return True
    return False


def _names_of(settings: Ingest) -> Iterator[str]:
    for mapping in settings.mappings:
        name = mapping.target.partition(":")[2].rpartition("/")[2]
        yield from (name, unquote(name))


def writes(definition: Definition, file_name: str) -> bool:
    """Whether a step may carry something to a file of that name."""
    return any(pattern.fullmatch(file_name) for pattern in _names_written(definition))


def _names_written(definition: Definition) -> Iterator[re.Pattern[str]]:
    for step in definition.steps:
        if isinstance(step.settings, Ingest):
            for mapping in step.settings.mappings:
                scheme, _, path = mapping.target.partition(":")
                if path and scheme != "table":
                    yield _pattern_of(_TEMPLATE.sub("\0", path).rpartition("/")[2])


def _pattern_of(name: str) -> re.Pattern[str]:
    """Return what names match one in which NUL stands for what a template writes."""
    return re.compile(".*".join(re.escape(part) for part in name.split("\0")))
