"""What triggers are created with, as typed."""

from enum import Enum
from typing import Annotated

import typer
from headrace.v1.trigger_pb2 import Trigger

_TIMES = "Times of a schedule"
_FILES = "Files"
_CALLS = "Calls from outside"
_POLICIES = "Policies"


class OverlapName(Enum):
    """The names of what happens where a run has not ended, as typed."""

    SKIP = "skip"
    QUEUE_ONE = "queue-one"
    ALLOW = "allow"
    CANCEL_RUNNING = "cancel-running"


class CatchUpName(Enum):
    """The names of which missed times are made up for, as typed."""

    ALL = "all"
    LATEST = "latest"
    NONE = "none"


class OnResumeName(Enum):
    """The names of what becomes of the time of a pause, as typed."""

    CONTINUE = "continue"
    MAKE_UP = "make-up"


OVERLAPS: dict[OverlapName | None, Trigger.Overlap] = {
    None: Trigger.OVERLAP_UNSPECIFIED,
    OverlapName.SKIP: Trigger.SKIP,
    OverlapName.QUEUE_ONE: Trigger.QUEUE_ONE,
    OverlapName.ALLOW: Trigger.ALLOW,
    OverlapName.CANCEL_RUNNING: Trigger.CANCEL_RUNNING,
}
CATCH_UPS: dict[CatchUpName | None, Trigger.CatchUp] = {
    None: Trigger.CATCH_UP_UNSPECIFIED,
    CatchUpName.ALL: Trigger.ALL,
    CatchUpName.LATEST: Trigger.LATEST,
    CatchUpName.NONE: Trigger.NONE,
}
ON_RESUMES: dict[OnResumeName | None, Trigger.OnResume] = {
    None: Trigger.ON_RESUME_UNSPECIFIED,
    OnResumeName.CONTINUE: Trigger.CONTINUE,
    OnResumeName.MAKE_UP: Trigger.MAKE_UP,
}

CronOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=_TIMES,
        help='Fires at times: minute, hour, day, month, day of week, such as "0 2 * * MON-FRI"; '
        "or @daily and the like.",
    ),
]
TimeZoneOption = Annotated[
    str,
    typer.Option(rich_help_panel=_TIMES, help="Where the clock hangs: Europe/Berlin; UTC if none."),
]
CatchUpOption = Annotated[
    CatchUpName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_TIMES,
        help="Which times are made up for that no server was there for; latest if not given.",
    ),
]  # fmt: skip
CatchUpWindowOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", rich_help_panel=_TIMES,
        help="How old such a time may be; a day if not given.",
    ),
]  # fmt: skip
JitterOption = Annotated[
    float | None,
    typer.Option(
        metavar="SECONDS", rich_help_panel=_TIMES,
        help="How late it fires at most, so that not all do at once; 0 if not given.",
    ),
]  # fmt: skip
FolderOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=_FILES, help="Fires for files that come into this folder of a mount."
    ),
]
PatternOption = Annotated[
    str,
    typer.Option(rich_help_panel=_FILES, help='Names that count, such as "*.csv"; all if none.'),
]
WebhookOption = Annotated[
    bool,
    typer.Option("--webhook", rich_help_panel=_CALLS, help="Fires for signed calls."),
]
TokenOption = Annotated[
    bool,
    typer.Option(
        "--token", rich_help_panel=_CALLS, help="Fires for calls that hold the secret itself."
    ),
]
ManualOption = Annotated[
    bool, typer.Option("--manual", rich_help_panel=_CALLS, help="Fires by hand only.")
]
OverlapOption = Annotated[
    OverlapName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_POLICIES,
        help="What happens where its last run has not ended; skip if not given.",
    ),
]  # fmt: skip
OnResumeOption = Annotated[
    OnResumeName | None,
    typer.Option(
        case_sensitive=False, rich_help_panel=_POLICIES,
        help="What becomes of the time that it was paused; continue if not given.",
    ),
]  # fmt: skip
PauseAfterOption = Annotated[
    int,
    typer.Option(
        min=0, rich_help_panel=_POLICIES, help="Pause after so many failed runs in a row; 0: never."
    ),
]
PausedOption = Annotated[
    bool, typer.Option("--paused", rich_help_panel=_POLICIES, help="Create it paused.")
]


def trigger_type(
    *, cron: str, folder: str, webhook: bool, token: bool, manual: bool
) -> Trigger.Type:
    """Return what fires a trigger. Raises typer.BadParameter unless exactly one is said."""
    said = {
        Trigger.CRON: bool(cron),
        Trigger.FILE: bool(folder),
        Trigger.WEBHOOK: webhook or token,
        Trigger.MANUAL: manual,
    }
    chosen = [kind for kind, is_said in said.items() if is_said]
    if len(chosen) != 1 or (webhook and token):
        raise typer.BadParameter(
            "what fires it? Give one of --cron, --folder, --webhook, --token and --manual"
        )
    return chosen[0]
