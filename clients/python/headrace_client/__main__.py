"""The `headrace` command."""

import shlex
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from headrace_client.address import DEFAULT_ADDRESS
from headrace_client.commands import (
    apply,
    bulk,
    contracts,
    datamarts,
    datasets,
    exports,
    folders,
    imports,
    ingest,
    jobs,
    mappings,
    mounts,
    pipelines,
    previews,
    rejects,
    relationships,
    runs,
    sql,
    statuses,
    stored_files,
    tables,
    tenants,
    triggers,
    worker,
)
from headrace_client.commands.session import HoistingGroup, Settings

app = typer.Typer(
    name="headrace",
    cls=HoistingGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    ingest, bulk, imports, statuses, rejects, tables, sql, previews, apply, worker,
):  # fmt: skip
    module.add_to(app)
app.add_typer(mounts.app, name="mounts")
app.add_typer(folders.app, name="folders")
app.add_typer(stored_files.app, name="files")
app.add_typer(relationships.app, name="relationships")
app.add_typer(datamarts.app, name="datamarts")
app.add_typer(exports.app, name="export")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(triggers.app, name="triggers")
app.add_typer(runs.app, name="runs")
app.add_typer(mappings.app, name="mappings")
app.add_typer(jobs.app, name="jobs")
app.add_typer(contracts.app, name="contracts")
app.add_typer(datasets.app, name="datasets")
app.add_typer(tenants.tenants, name="tenants")
app.add_typer(tenants.keys, name="keys")

_CONNECTION = "Connection (may also stand behind the command)"


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"headrace {version('headrace-client')}")
        raise typer.Exit


def _file(help_text: str, env: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        exists=True, dir_okay=False, help=help_text, envvar=env, rich_help_panel=_CONNECTION
    )
    return option


@app.callback()
def headrace(
    context: typer.Context,
    address: Annotated[
        str,
        typer.Option(
            "--address", "--api-url", envvar="HEADRACE_ADDRESS", rich_help_panel=_CONNECTION,
            help="host:port or http(s)://host:port; https means TLS.",
        ),
    ] = DEFAULT_ADDRESS,
    api_key: Annotated[
        str | None,
        typer.Option(
            envvar="HEADRACE_API_KEY", rich_help_panel=_CONNECTION, help="Who you are.",
        ),
    ] = None,
    tenant_id: Annotated[
        str | None,
        typer.Option(
            envvar="HEADRACE_TENANT_ID", rich_help_panel=_CONNECTION,
            help="The tenant that an admin key acts for.",
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None, _file("Certificates to trust (PEM).", "HEADRACE_TLS_CA")
    ] = None,
    tls_cert: Annotated[
        Path | None, _file("Your certificate (PEM), for mutual TLS.", "HEADRACE_TLS_CERT")
    ] = None,
    tls_key: Annotated[
        Path | None, _file("The key of --tls-cert (PEM).", "HEADRACE_TLS_KEY")
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=0.1, rich_help_panel=_CONNECTION, help="Seconds per call.")
    ] = 30.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, one document a line.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="The version.")
    ] = False,
) -> None:  # fmt: skip
    """Take data in with Headrace: upload files, watch them load, see what was kept aside.

    Start a server with `headrace-server up`, then:

    - `headrace ingest server/headrace_server/demo_data/customers_0001.ndjson`
    - `headrace bulk-ingest --data-dir server/headrace_server/demo_data`
    - `headrace status`
    """
    context.obj = Settings(
        address, api_key, tenant_id, tls_ca, tls_cert, tls_key, timeout, as_json, _typed(context)
    )


def _typed(context: typer.Context) -> str:
    return "".join(
        f" --{name.replace('_', '-')} {shlex.quote(str(context.params[name]))}"
        for name in ("address", "tenant_id", "tls_ca", "tls_cert", "tls_key")
        if (source := context.get_parameter_source(name)) and source.name == "COMMANDLINE"
    )


def main() -> None:
    """Run the command."""
    app()


if __name__ == "__main__":
    main()
