"""Requests of mappings become an ingestion and its job, in one transaction."""

import uuid
from collections.abc import Callable, Container, Sequence
from datetime import datetime
from functools import partial

from headrace_server.connectors.base import ConnectorError
from headrace_server.connectors.registry import Connectors, scheme_of
from headrace_server.core.contracts.registry import Contracts
from headrace_server.core.jobs.queue import Jobs
from headrace_server.core.limits import Limits
from headrace_server.core.mappings.table_loads import CHUNK_BYTES
from headrace_server.core.mappings.tables import declared_name
from headrace_server.core.mappings.transformation import TransformationError, check
from headrace_server.db import ingestions as ingestion_rows
from headrace_server.db import mappings as mapping_rows
from headrace_server.db.engine import ControlStore
from headrace_server.model.errors import FieldViolation, InvalidFieldError
from headrace_server.model.ingestion import Ingestion, Kind
from headrace_server.model.job import Clocks, NewJob, Priority
from headrace_server.model.mapping import Mapping
from headrace_server.model.tenant import Principal

#: kind of the job that carries a request's mappings; its payload names the ingestion
RUN_MAPPINGS = "run_mappings"
_MOST_VIOLATIONS = 20
_TABLE = "table"


class MappingAcceptance:
    """Turns requests of mappings into work."""

    def __init__(
        self,
        store: ControlStore,
        jobs: Jobs,
        connectors: Connectors,
        contracts: Contracts,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._connectors = connectors
        self._contracts = contracts
        self._limits = limits
        self._clock = clock

    async def accept(
        self,
        caller: Principal,
        mappings: Sequence[Mapping],
        priority: Priority,
        request_id: str | None = None,
    ) -> Ingestion:
        """Insert the ingestion with its mappings and job; returns it, PENDING.

        It gets the id that is given, which none has, or one that is made up.
        Raises InvalidFieldError for an id that comes twice, an address that can never be read or
        written, a table to be written that no contract declares, a transformation that makes no
        sense.
        """
        to_tables = any(scheme_of(mapping.target) == _TABLE for mapping in mappings)
        tables = await self._contracts.catalog(caller.tenant_id) if to_tables else {}
        self._check(mappings, tables)
        request_id = request_id or str(uuid.uuid4())
        ingestion = Ingestion.accepted(
            request_id,
            caller.tenant_id,
            Kind.MAPPINGS,
            priority,
            units=len(mappings),
            at=self._clock(),
        )
        async with self._store.begin() as connection:
            job = await self._jobs.enqueue(
                connection,
                NewJob(
                    RUN_MAPPINGS,
                    caller.tenant_id,
                    self._payload(request_id, to_tables=to_tables),
                    priority=priority,
                    clocks=Clocks(lease=self._limits.lease),
                ),
            )
            await ingestion_rows.insert(connection, ingestion, job.job_id, ())
            await mapping_rows.insert(connection, request_id, mappings)
        self._jobs.announce()
        return ingestion

    def _payload(self, request_id: str, *, to_tables: bool) -> dict[str, str | int]:
        size: dict[str, str | int] = {CHUNK_BYTES: self._limits.chunk_bytes} if to_tables else {}
        return {"request_id": request_id, **size}

    def _check(self, mappings: Sequence[Mapping], tables: Container[str]) -> None:
        """Raise InvalidFieldError that names what is wrong with which mappings."""
        violations: list[FieldViolation] = []
        seen: set[str] = set()
        for index, mapping in enumerate(mappings):
            if mapping.mapping_id in seen:
                what = f"the id {mapping.mapping_id!r} comes twice"
                violations.append(FieldViolation(f"mappings[{index}].id", what))
            seen.add(mapping.mapping_id)
            violations += self._violations(index, mapping, tables)
            if len(violations) >= _MOST_VIOLATIONS:
                break
        if violations:
            first = violations[0]
            words = f"{first.field}: {first.description}"
            raise InvalidFieldError(words, *violations, field=first.field)

    def _violations(
        self, index: int, mapping: Mapping, tables: Container[str]
    ) -> list[FieldViolation]:
        checks: tuple[tuple[str, Callable[[], None]], ...] = (
            ("id", partial(_refuse_nul, mapping.mapping_id)),
            ("source", partial(self._check_address, mapping.source, written=False)),
            ("target", partial(self._check_target, mapping.target, tables)),
            ("transformation", partial(check, mapping.transformation)),
        )
        found = []
        for field, check_it in checks:
            try:
                check_it()
            except (ConnectorError, TransformationError) as error:
                found.append(FieldViolation(f"mappings[{index}].{field}", str(error)))
        return found

    def _check_address(self, address: str, *, written: bool) -> None:
        _refuse_nul(address)
        self._connectors.check(address, written=written)

    def _check_target(self, address: str, tables: Container[str]) -> None:
        self._check_address(address, written=True)
        if scheme_of(address) == _TABLE and declared_name(address) not in tables:
            raise ConnectorError(f"no contract declares the table {declared_name(address)}")


def _refuse_nul(text: str) -> None:
    if "\0" in text:
        raise ConnectorError("must hold no NUL")
