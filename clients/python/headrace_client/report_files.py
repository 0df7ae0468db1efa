"""Reports declared in YAML files: the fields of CreateReportRequest."""

from dataclasses import dataclass
from typing import cast

from headrace.v1.export_pb2 import ReportSection
from headrace.v1.export_service_pb2 import CreateReportRequest

from headrace_client.errors import InvalidRequestError
from headrace_client.exports import ExportOptions
from headrace_client.yaml_messages import YamlDocument, YamlMessageError, read_yaml


class ReportFileError(ValueError):
    """A file that declares no report; the message has its name, line and field."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a file asks for."""

    report_name: str
    #: the sheets, in order
    sections: list[ReportSection]
    #: what the workbook is to be like, as far as the file says
    options: ExportOptions
    #: the file, as named
    file: str
    document: YamlDocument

    def explained(self, error: InvalidRequestError) -> str:
        """Return why the server refused the report, with the lines of the file at fault."""
        return "; ".join(
            f"{self.file}:{self.document.line_of(field)}: {field}: "
            f"{description.removeprefix(f'{field}: ')}"
            for field, description in error.field_violations
        ) or str(error)


def read_report(text: str, file: str) -> Report:
    """Read the report of a file. Enums may be in small letters. Raises ReportFileError."""
    try:
        document = _only(read_yaml(text))
        request = document.read(CreateReportRequest())
        _check(request, document)
    except YamlMessageError as error:
        line, _, words = str(error).removeprefix("line ").partition(":")
        raise ReportFileError(f"{file}:{line}:{words}") from None
    sections = list(request.sections)
    return Report(request.report_name, sections, _options(request), file, document)


def _only(documents: list[YamlDocument]) -> YamlDocument:
    if len(documents) != 1:
        raise YamlMessageError(f"line 1: must be one report, not {len(documents)} documents")
    return documents[0]


def _check(request: CreateReportRequest, document: YamlDocument) -> None:
    for field in ("report_name", "sections"):
        if not getattr(request, field):
            raise YamlMessageError(f"line {document.line_of(field)}: {field}: is needed")
    for number, section in enumerate(request.sections):
        for field in ("name", "type"):
            if not getattr(section, field):
                place = f"sections[{number}].{field}"
                raise YamlMessageError(f"line {document.line_of(place)}: {place}: is needed")


def _options(request: CreateReportRequest) -> ExportOptions:
    options = {field.name: value for field, value in request.output_config.ListFields()}
    if request.template:
        options["template"] = request.template
    return cast("ExportOptions", options)
