"""export."""

from pathlib import Path
from typing import Annotated

import typer
from headrace.v1.export_pb2 import Export

from headrace_client.client import Client
from headrace_client.commands import export_files
from headrace_client.commands.datamart_refreshes import Name, parted
from headrace_client.commands.export_files import export_into
from headrace_client.commands.export_options import (
    ChartsOption,
    CurrencyOption,
    EscapeOption,
    FormatName,
    FormatOption,
    KeepHoursOption,
    MaxRowsOption,
    SectionRowsOption,
    SheetNameOption,
    SummaryOption,
    TargetOption,
    TemplateOption,
    export_options,
)
from headrace_client.commands.queries import query_of
from headrace_client.commands.session import EPILOG
from headrace_client.errors import InvalidRequestError
from headrace_client.exports import ExportOptions

app = typer.Typer(
    no_args_is_help=True, help="Workbooks, CSV and Parquet of what is in the warehouse."
)


@app.command("query", epilog=EPILOG)
def export_query(
    context: typer.Context,
    query: Annotated[
        str | None, typer.Argument(metavar="[SQL]", help="The query; - or none: standard input.")
    ] = None,
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", exists=True, dir_okay=False, help="Read the query from FILE."),
    ] = None,
    target: TargetOption = None,
    file_format: FormatOption = None,
    charts: ChartsOption = False,
    summary: SummaryOption = False,
    max_rows: MaxRowsOption = None,
    template: TemplateOption = None,
    currency: CurrencyOption = "",
    sheet_name: SheetNameOption = "",
    escape_formulas: EscapeOption = False,
    keep_hours: KeepHoursOption = None,
) -> None:
    """Export the rows of one query that only reads.

    Exit status: 0 all rows are in the file, 3 some were cut, 1 failed, 2 the query is refused.

    Examples:
    - `headrace export query "SELECT * FROM orders" -o orders.xlsx --summary --charts`
    - `headrace export query --file sales.sql -o sales.csv.gz`
    - `headrace export query "SELECT * FROM orders" -o - | head`

    """
    text = query_of(query, file)
    options = export_options(
        target,
        file_format,
        include_charts=charts,
        include_summary=summary,
        max_rows=max_rows,
        template=template,
        currency=currency,
        sheet_name=sheet_name,
        escape_formulas=escape_formulas,
        keep_hours=keep_hours,
    )
    export_into(
        context,
        target,
        lambda client: client.export_query(text, wait_seconds=0, **options),
        query=text,
    )


@app.command("datamart", epilog=EPILOG)
def export_datamart(
    context: typer.Context,
    name: Name,
    *,
    target: TargetOption = None,
    file_format: FormatOption = None,
    charts: ChartsOption = False,
    summary: SummaryOption = False,
    max_rows: MaxRowsOption = None,
    template: TemplateOption = None,
    currency: CurrencyOption = "",
    sheet_name: SheetNameOption = "",
    escape_formulas: EscapeOption = False,
    keep_hours: KeepHoursOption = None,
) -> None:
    """Export a datamart.

    Exit status: 0 all rows are in the file, 3 some were cut, 1 failed.

    Examples:
    - `headrace export datamart sales -o sales.xlsx --charts --currency EUR`
    - `headrace export datamart analytics.sales -o sales.parquet`

    """
    schema, name = parted(name)
    options = export_options(
        target,
        file_format,
        include_charts=charts,
        include_summary=summary,
        max_rows=max_rows,
        template=template,
        currency=currency,
        sheet_name=sheet_name,
        escape_formulas=escape_formulas,
        keep_hours=keep_hours,
    )
    export_into(
        context,
        target,
        lambda client: client.export_datamart(name, schema=schema, wait_seconds=0, **options),
    )


@app.command("table", epilog=EPILOG)
def export_table(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TABLE", help="A table, or schema.table.")],
    *,
    target: TargetOption = None,
    file_format: FormatOption = None,
    charts: ChartsOption = False,
    summary: SummaryOption = False,
    max_rows: MaxRowsOption = None,
    template: TemplateOption = None,
    currency: CurrencyOption = "",
    sheet_name: SheetNameOption = "",
    escape_formulas: EscapeOption = False,
    keep_hours: KeepHoursOption = None,
) -> None:
    """Export a table of the warehouse.

    Exit status: 0 all rows are in the file, 3 some were cut, 1 failed.

    Examples:
    - `headrace export table orders -o orders.parquet`
    - `headrace export table raw.stock -o stock.csv --escape-formulas`

    """
    schema, name = parted(name)
    options = export_options(
        target,
        file_format,
        include_charts=charts,
        include_summary=summary,
        max_rows=max_rows,
        template=template,
        currency=currency,
        sheet_name=sheet_name,
        escape_formulas=escape_formulas,
        keep_hours=keep_hours,
    )
    export_into(
        context,
        target,
        lambda client: client.export_table(name, schema=schema, wait_seconds=0, **options),
    )


@app.command("report", epilog=EPILOG)
def export_report(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A report in YAML."),
    ],
    *,
    target: TargetOption = None,
    max_rows: SectionRowsOption = None,
    template: TemplateOption = None,
    currency: CurrencyOption = "",
    keep_hours: KeepHoursOption = None,
) -> None:
    """Make a workbook of sections: summaries, tables and charts.

    FILE holds the fields of the REST request: report_name, template, and sections, each with a
    name, a type (summary, table or chart) and data, a query or a data_source. What options say
    stands before it. Exit status: 0 all rows are in the file, 3 some were cut, 1 failed, 2 the
    report is refused.

    Example:
    - `headrace export report examples/report.yaml -o june.xlsx --currency GBP`

    """
    # YAML is read by few commands.
    from headrace_client.report_files import ReportFileError, read_report  # noqa: PLC0415

    options = export_options(
        target,
        None,
        piped=FormatName.XLSX,
        max_rows=max_rows,
        template=template,
        currency=currency,
        keep_hours=keep_hours,
    )
    if options.get("format", Export.XLSX) != Export.XLSX:
        raise typer.BadParameter("a report is a workbook: FILE.xlsx", param_hint="--output")
    try:
        report = read_report(file.read_text("utf-8"), str(file))
    except (ReportFileError, UnicodeDecodeError) as error:
        raise typer.BadParameter(str(error), param_hint="FILE") from None
    said: ExportOptions = {**report.options, **options}

    async def start(client: Client) -> Export:
        try:
            return await client.create_report(
                report.report_name, report.sections, wait_seconds=0, **said
            )
        except InvalidRequestError as error:
            raise typer.BadParameter(report.explained(error), param_hint="FILE") from None

    export_into(context, target, start)


export_files.add_to(app)
