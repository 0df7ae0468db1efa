"""triggers."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from headrace.v1.trigger_pb2 import Trigger
from rich.markup import escape

from headrace_client.client import Client
from headrace_client.commands import trigger_calls, trigger_times
from headrace_client.commands.output import Output
from headrace_client.commands.run_values import ValuesOption, run_values
from headrace_client.commands.session import CLEAN, EPILOG, run, usage_errors
from headrace_client.commands.trigger_names import TriggerName, refuse_taken, trigger_id_of
from headrace_client.commands.trigger_options import (
    CATCH_UPS,
    ON_RESUMES,
    OVERLAPS,
    CatchUpOption,
    CatchUpWindowOption,
    CronOption,
    FolderOption,
    JitterOption,
    ManualOption,
    OnResumeOption,
    OverlapOption,
    PatternOption,
    PauseAfterOption,
    PausedOption,
    TimeZoneOption,
    TokenOption,
    WebhookOption,
    trigger_type,
)
from headrace_client.commands.trigger_tables import show_list, show_trigger
from headrace_client.triggers import TriggerSettings

app = typer.Typer(no_args_is_help=True, help="Triggers, which start pipelines by themselves.")


@app.command("create", epilog=EPILOG)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is called.")],
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="What it starts.")],
    *,
    cron: CronOption = "",
    time_zone: TimeZoneOption = "",
    catch_up: CatchUpOption = None,
    catch_up_window: CatchUpWindowOption = None,
    jitter: JitterOption = None,
    folder: FolderOption = "",
    pattern: PatternOption = "",
    webhook: WebhookOption = False,
    token: TokenOption = False,
    manual: ManualOption = False,
    overlap: OverlapOption = None,
    on_resume: OnResumeOption = None,
    pause_after: PauseAfterOption = 0,
    paused: PausedOption = False,
    values: ValuesOption = None,
) -> None:
    """Create a trigger of a pipeline. That of a webhook shows its secret, this time only.

    Values may hold templates: `{{ execution_date }}`, `{{ event.file }}`, `{{ event.body.sku }}`.

    Examples:
    - `headrace triggers create nightly stock --cron "0 2 * * MON-FRI" --time-zone Europe/Berlin`
    - `headrace triggers create arrived stock --folder /shop --pattern "stock_*.csv"`
    - `headrace triggers create pushed stock --webhook -p day="{{ event.body.day }}"`

    """
    kind = trigger_type(cron=cron, folder=folder, webhook=webhook, token=token, manual=manual)
    settings: TriggerSettings = {
        "cron_schedule": cron,
        "time_zone": time_zone,
        "catch_up": CATCH_UPS[catch_up],
        "folder_path": folder,
        "file_pattern": pattern,
        "overlap": OVERLAPS[overlap],
        "on_resume": ON_RESUMES[on_resume],
        "pause_after_failures": pause_after,
    }
    if catch_up_window is not None:
        settings["catch_up_window_seconds"] = catch_up_window
    if jitter is not None:
        settings["jitter_seconds"] = jitter

    async def work(client: Client, output: Output) -> int:
        if values:
            settings["parameters"] = run_values(values, await client.get_pipeline(pipeline))
        with usage_errors(client.address):
            await refuse_taken(client, pipeline, name)
            created = await client.create_trigger(
                name,
                pipeline,
                kind,
                enabled=not paused,
                webhook_auth=Trigger.TOKEN if token else Trigger.WEBHOOK_AUTH_UNSPECIFIED,
                **settings,
            )
        _print(created, output)
        return CLEAN

    run(context, work)


@app.command("list", epilog=EPILOG)
def list_triggers(
    context: typer.Context,
    pipeline: Annotated[
        str, typer.Argument(metavar="[PIPELINE]", help="Only those of it.", show_default=False)
    ] = "",
) -> None:
    """List the triggers, newest first. With --json each is one line."""

    async def work(client: Client, output: Output) -> int:
        found = [trigger async for trigger in client.list_triggers(pipeline)]
        if output.json:
            for trigger in found:
                output.document(trigger)
        elif found:
            show_list(found, output)
        else:
            output.say(f"no triggers yet: {output.command('triggers create NAME PIPELINE')}")
        return CLEAN

    run(context, work)


@app.command("show", epilog=EPILOG)
def show(context: typer.Context, trigger: TriggerName) -> None:
    """Show a trigger: when it fires, and what then happens."""
    _on_trigger(context, trigger, lambda client, named: client.get_trigger(named))


@app.command("pause", epilog=EPILOG)
def pause(context: typer.Context, trigger: TriggerName) -> None:
    """Have a trigger start nothing until it is resumed; runs under way go on."""
    _on_trigger(context, trigger, lambda client, named: client.pause_trigger(named))


@app.command("resume", epilog=EPILOG)
def resume(context: typer.Context, trigger: TriggerName, on_resume: OnResumeOption = None) -> None:
    """Have a paused trigger go on; --on-resume says it otherwise than the trigger, this once."""
    _on_trigger(
        context,
        trigger,
        lambda client, named: client.resume_trigger(named, on_resume=ON_RESUMES[on_resume]),
    )


@app.command("delete", epilog=EPILOG)
def delete(context: typer.Context, trigger: TriggerName) -> None:
    """Delete a trigger and its history; its runs go on and stay known."""

    async def work(client: Client, output: Output) -> int:
        await client.delete_trigger(await trigger_id_of(client, trigger))
        output.say(f"deleted {escape(trigger)}")
        return CLEAN

    run(context, work)


trigger_times.add_to(app)
trigger_calls.add_to(app)


def _on_trigger(
    context: typer.Context, named: str, call: Callable[[Client, str], Awaitable[Trigger]]
) -> None:
    async def work(client: Client, output: Output) -> int:
        _print(await call(client, await trigger_id_of(client, named)), output)
        return CLEAN

    run(context, work)


def _print(trigger: Trigger, output: Output) -> None:
    if output.json:
        output.document(trigger)
    else:
        show_trigger(trigger, output)
