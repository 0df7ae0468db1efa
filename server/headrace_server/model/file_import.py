"""Imports: one file of a mount brought into one table, and what is known of how."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from headrace_server.model.ingestion import Ingestion
from headrace_server.model.job import Priority


class ImportMode(Enum):
    """What becomes of the rows that the table holds."""

    APPEND = "APPEND"
    REPLACE = "REPLACE"
    UPSERT = "UPSERT"


class NewColumns(Enum):
    """What becomes of a column that the table has not."""

    ADD = "ADD"
    REJECT = "REJECT"
    RESCUE = "RESCUE"


class TypeChanges(Enum):
    """What becomes of a value that does not fit the type of its column."""

    REJECT_ROW = "REJECT_ROW"
    WIDEN = "WIDEN"


#: JSON column that keeps the values of columns that the table has not
RESCUE_COLUMN = "_rescued"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How rows are brought into a table, and how the file is written; None is found out."""

    #: None: UPSERT where there are key columns, else APPEND
    mode: ImportMode | None = None
    key_columns: tuple[str, ...] = ()
    new_columns: NewColumns = NewColumns.ADD
    type_changes: TypeChanges = TypeChanges.WIDEN
    #: SQL types by column, named as in the file or as in the table
    data_types: Mapping[str, str] = field(default_factory=dict)
    #: whether other types are found out; otherwise they are text
    infer_schema: bool = True
    #: texts that stand for null beside the empty one
    null_values: tuple[str, ...] = ()
    delimiter: str | None = None
    #: Python codec
    encoding: str | None = None
    quote: str | None = None
    escape: str | None = None
    has_header: bool | None = None
    #: physical lines before the header or the data
    skip_lines: int | None = None
    #: what lines that are no records begin with; empty where there are none
    comment: str | None = None
    #: csv, tsv, json, ndjson, xlsx or parquet
    format: str | None = None
    #: none, gzip or zstd
    compression: str | None = None
    sheet: str | None = None
    sample_bytes: int = 256 << 10


@dataclass(frozen=True, slots=True)
class NewImport:
    """An import that is asked for."""

    #: path of the tenant's, below a mount
    file_path: str
    #: "schema.table"; empty: the contract that fits the name, else raw and the name
    target_table: str = ""
    options: ImportOptions = ImportOptions()
    priority: Priority = Priority.MEDIUM
    #: watch that asks for it; None for a caller
    watch_id: str | None = None
    #: from 2: the table gets the suffix _v2 and so on
    version: int = 1


@dataclass(frozen=True, slots=True)
class FileImport:
    """An import and how far it has come."""

    #: its request id is the id of the import
    ingestion: Ingestion
    file_path: str
    #: "schema.table"
    target_table: str
    options: ImportOptions
    watch_id: str | None
    #: SQL types by name in the table, in their order; empty until known
    inferred_schema: Mapping[str, str]
    #: csv, tsv, json, ndjson, xlsx or parquet; None until known
    detected_format: str | None
    #: what was found out of the file, so that every attempt reads it alike; None until then
    plan: Mapping[str, Any] | None
