"""Structured logs: JSON lines, or pretty on a terminal."""

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor


def set_up_logs(log_format: str) -> None:
    """Send structlog's and the standard library's records to standard error.

    `log_format` is "json", "pretty", or empty for pretty on a terminal and JSON elsewhere.
    """
    pretty = log_format == "pretty" or (not log_format and sys.stderr.isatty())
    _send_to(sys.stderr, pretty=pretty)


def log_to_file(path: Path) -> None:
    """Append all records to a file, as JSON lines; it stays open as long as the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _send_to(path.open("a", buffering=1), pretty=False)


def _stamp(_logger: object, _method: str, record: EventDict) -> EventDict:
    record["timestamp"] = datetime.now(UTC)
    return record


def _json(_logger: object, _method: str, record: EventDict) -> str:
    return msgspec.json.encode(record, enc_hook=str).decode()


def _send_to(stream: TextIO, *, pretty: bool) -> None:
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
    ]
    if pretty:
        # Plain: local variables in tracebacks could show what is nobody's business.
        last: list[Processor] = [
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    else:
        last = [_stamp, structlog.processors.format_exc_info, _json]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        # A line and its end in one write: two of them cost a system call each.
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
