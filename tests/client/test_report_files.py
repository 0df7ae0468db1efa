import pytest
from headrace.v1.export_pb2 import Export, ReportSection

from headrace_client.errors import InvalidRequestError
from headrace_client.report_files import ReportFileError, read_report

REPORT = """\
report_name: June
template: corporate
output_config: {currency: GBP, max_rows: 20}
sections:
  - {name: Overview, type: summary, data: {orders: 3}}
  - name: Trend
    type: CHART
    chart_type: line
    data_source: daily_sales
"""


def test_the_fields_of_a_request() -> None:
    report = read_report(REPORT, "june.yaml")
    assert report.report_name == "June"
    assert report.options == {"template": Export.CORPORATE, "currency": "GBP", "max_rows": 20}
    overview, trend = report.sections
    assert overview.data["orders"] == 3
    assert (trend.type, trend.chart_type) == (ReportSection.CHART, ReportSection.LINE)


def test_json_is_yaml_too() -> None:
    text = '{"report_name": "June", "sections": [{"name": "All", "type": "table"}]}'
    assert read_report(text, "june.json").options == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "f:1: must be one report, not 0 documents"),
        (f"{REPORT}---\n{REPORT}", "f:1: must be one report, not 2 documents"),
        (REPORT.replace("report_name: June", "report_name: ''"), "f:1: report_name: is needed"),
        ("report_name: June\n", "f:1: sections: is needed"),
        (REPORT.replace("name: Trend", "name: ''"), "f:6: sections[1].name: is needed"),
        (REPORT.replace("    type: CHART\n", ""), "f:6: sections[1].type: is needed"),
        (REPORT.replace("line", "lime"), "f:8: sections[1].chart_type: 'lime' is none of"),
        (REPORT.replace("data_source", "source"), "f:9: sections[1].source: no such field"),
        ("report_name: [", "f:1: not YAML"),
    ],
)
def test_what_is_wrong_says_where(text: str, told: str) -> None:
    with pytest.raises(ReportFileError) as raised:
        read_report(text, "f")
    assert str(raised.value).startswith(told)


def test_what_the_server_refuses_says_where() -> None:
    report = read_report(REPORT, "f")
    error = InvalidRequestError("no", field_violations=(("sections[1].data_source", "is gone"),))
    assert report.explained(error) == "f:9: sections[1].data_source: is gone"
    assert report.explained(InvalidRequestError("no")) == "no"
