import pytest
from google.protobuf.json_format import ParseDict, ParseError
from headrace.v1.export_service_pb2 import CreateReportRequest
from headrace.v1.pipeline_service_pb2 import CreatePipelineRequest
from hypothesis import example, given
from hypothesis import strategies as st

from headrace_client.yaml_messages import YamlMessageError, as_yaml, fields_of, read_yaml

STOCK = """\
# what the shop counts
pipeline_id: stock
name:
description: |
  two
  lines
timeout_seconds: 60
parameters:
  - name: day
    type: date
    default: 2026-03-02
  - {name: number, type: Integer, default: 5, required: false}
  - {name: anything, default: {a: [1, 2.5, no, 007, 12:30, null, -3, true]}}
steps:
  - id: load
    import_file:
      file_path: 0123
      options:
        mode: upsert
        key_columns: [sku]
        data_types: {price: "NUMERIC(8,2)"}
        sample_bytes: 4000000000
    retry: {attempts: 3, backoff: 1.5}
    on_failure: continue
  - id: sign-off
    depends_on: [load]
    approval:
"""


def read(text: str) -> CreatePipelineRequest:
    (document,) = read_yaml(text)
    return document.read(CreatePipelineRequest())


def test_a_message_is_read_as_it_looks() -> None:
    request = read(STOCK)
    fields = fields_of(request)
    assert fields["description"] == "two\nlines\n"
    assert fields["timeout_seconds"] == 60
    assert [each.get("default") for each in fields["parameters"][:2]] == ["2026-03-02", 5]
    values = fields["parameters"][2]["default"]["a"]
    assert values == [1, 2.5, "no", "007", "12:30", None, -3, True]
    load = fields["steps"][0]
    assert load["import_file"]["file_path"] == "0123"
    assert load["import_file"]["options"]["mode"] == "upsert"
    assert load["import_file"]["options"]["data_types"] == {"price": "NUMERIC(8,2)"}
    assert load["on_failure"] == "continue"
    assert fields["steps"][1]["approval"] == {}
    assert "name" not in fields, "a field without a value is not set"


def test_what_is_printed_reads_back() -> None:
    request = read(STOCK)
    assert read(as_yaml(request)) == request


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text()
        # JSON of messages writes -0.0 as 0: adding 0.0 makes it that before.
        | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)
        | st.from_regex("[-0-9.eE:xno~]{1,8}"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
@example({"\x85": None})
@example("a\u2028 b")
def test_any_json_reads_back(value: object) -> None:
    request = CreatePipelineRequest(pipeline_id="p")
    parameter = request.parameters.add(name="p")
    try:
        ParseDict({"of": value}, parameter.default)
    except (ParseError, ValueError):  # surrogates
        return
    assert read(as_yaml(request)) == request


def test_lines_of_fields() -> None:
    (document,) = read_yaml(f"# first\n---\n{STOCK}")
    document.read(CreatePipelineRequest())
    lines = f"# first\n---\n{STOCK}".splitlines()
    for field, text in {
        "timeout_seconds": "timeout_seconds: 60",
        "parameters[1].type": "  - {name: number",
        "steps[0].import_file.options.data_types.price": "        data_types:",
        "steps[0].import_file.target_table": "    import_file:",
        "steps[1]": "  - id: sign-off",
        "steps[9].id": "steps:",
        "unknown": "pipeline_id: stock",
    }.items():
        assert lines[document.line_of(field) - 1].startswith(text), field


def test_no_document_and_several() -> None:
    assert read_yaml("") == []
    assert read_yaml("# nothing\n---\n---\n") == []
    assert len(read_yaml("a: 1\n---\nb: 2")) == 2
    assert read_yaml('{"name": "x", "steps": []}')[0].names == {"name", "steps"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: 5", "line 1: steps: must be a list"),
        ("steps:\n- idd: x", "line 2: steps[0].idd: no such field; id?"),
        ("zzz: 1", "line 1: zzz: no such field among pipeline_id, name,"),
        ("name: x\nname: y", "line 2: name: is there twice"),
        ("steps:\n- id: [1]", "line 2: steps[0].id: must be one value"),
        ("steps:\n- 5", "line 2: steps[0]: must be fields with values"),
        ("steps:\n- approval: {}\n  export: {}", "line 3: steps[0].export: stands beside approval"),
        ("steps:\n- on_failure: stop", "'stop' is none of fail, skip, continue"),
        ("steps:\n- retry: {attempts: 2.5}", "'2.5' is no whole number"),
        ("steps:\n- retry: {attempts: 3000000000}", "attempts: is too large a number"),
        ("timeout_seconds: soon", "line 1: timeout_seconds: 'soon' is no number"),
        ("timeout_seconds: 1e999", "is too large a number"),
        ("parameters:\n- required: yes", "'yes' is neither true nor false"),
        ("parameters:\n- default: !odd x", "the tag !odd means nothing here"),
        ("parameters:\n- default: &a [*a]", "nested too deep"),
        ('name: "\\ud800"', "line 1: "),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(YamlMessageError) as error:
        read(text)
    assert words in str(error.value)


def test_structures_of_their_own() -> None:
    (document,) = read_yaml("steps:\n- remote_job: {task_options: [1]}")
    with pytest.raises(YamlMessageError, match="task_options: must be names with values"):
        document.read(CreatePipelineRequest())
    (report,) = read_yaml("report_name: r\nsections: [{name: a, type: Table}]")
    assert fields_of(report.read(CreateReportRequest()))["sections"][0]["type"] == "table"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "line 1: not YAML: expected"),
        ("a: b: c", "line 1: not YAML: mapping values"),
        ("- 1", "line 1: must be fields with values"),
        ("a: \x01", "line 1: not YAML: unacceptable character"),
        ("[" * 2000, "line 1: nested too deep"),
    ],
)
def test_what_is_no_yaml(text: str, words: str) -> None:
    with pytest.raises(YamlMessageError) as error:
        read_yaml(text)
    assert words in str(error.value)


def test_aliases_do_not_fill_the_memory() -> None:
    lines = ["parameters:", "- default:", "    - &a0 [1, 1]"]
    lines += [f"    - &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(YamlMessageError, match="is beyond the 100,000 values"):
        read("\n".join(lines))
