import pytest
from headrace.v1.pipeline_service_pb2 import CreatePipelineRequest
from headrace.v1.trigger_pb2 import Trigger
from headrace.v1.trigger_service_pb2 import CreateTriggerRequest

from headrace_client.pipeline_files import (
    PipelineFileError,
    completed_pipeline,
    completed_trigger,
    declared_trigger,
    read_declared,
)

BOTH = """\
pipeline_id: stock
steps:
  - id: score
    score_dataset: {dataset: raw.stock}
---
name: nightly
pipeline_id: stock
trigger_type: cron
cron_schedule: "0 6 * * *"
"""


def test_a_file_declares_pipelines_and_triggers() -> None:
    pipeline, trigger = read_declared(BOTH, "stock.yaml")
    assert isinstance(pipeline.request, CreatePipelineRequest)
    assert isinstance(trigger.request, CreateTriggerRequest)
    assert pipeline.place_of("steps[0].score_dataset.dataset") == "stock.yaml:4"
    assert trigger.place_of("cron_schedule") == "stock.yaml:9"
    assert trigger.place_of("") == "stock.yaml:6"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "f:1: there is no pipeline and no trigger in it"),
        ("name: x", "f:1: neither a pipeline, which has steps, nor a trigger"),
        ("---\nsteps: []", "f:2: pipeline_id: is needed"),
        ("trigger_type: cron\npipeline_id: p", "f:1: name: is needed"),
        ("trigger_type: cron\nname: p", "f:1: pipeline_id: is needed"),
        ("pipeline_id: p\nsteps:\n- idd: x", "f:3: steps[0].idd: no such field; id?"),
        ("a: [", "f:1: not YAML"),
    ],
)
def test_what_declares_nothing_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(PipelineFileError) as error:
        read_declared(text, "f")
    assert str(error.value).startswith(words)


def test_what_the_server_takes_where_nothing_is_said() -> None:
    assert completed_pipeline(CreatePipelineRequest(pipeline_id="p")).name == "p"
    bare = CreateTriggerRequest(name="n", trigger_type=Trigger.CRON)
    full = completed_trigger(bare)
    assert (full.time_zone, full.overlap, full.catch_up) == ("UTC", Trigger.SKIP, Trigger.LATEST)
    assert full.catch_up_window_seconds == 86_400
    assert not full.HasField("enabled")
    said = CreateTriggerRequest(trigger_type=Trigger.CRON, catch_up_window_seconds=0)
    assert completed_trigger(said).catch_up_window_seconds == 0
    called = completed_trigger(CreateTriggerRequest(trigger_type=Trigger.WEBHOOK))
    assert called.webhook_auth == Trigger.SIGNATURE


@pytest.mark.parametrize("kind", [Trigger.CRON, Trigger.WEBHOOK, Trigger.FILE, Trigger.MANUAL])
def test_a_trigger_as_it_stands_is_what_declared_it(kind: Trigger.Type) -> None:
    declared = completed_trigger(CreateTriggerRequest(name="n", pipeline_id="p", trigger_type=kind))
    declared.enabled = True
    present = Trigger(
        name="n", pipeline_id="p", trigger_type=kind, status=Trigger.ACTIVE,
        time_zone="UTC" if kind == Trigger.CRON else "",
        overlap=Trigger.SKIP, catch_up=Trigger.LATEST, catch_up_window_seconds=86_400,
        on_resume=Trigger.CONTINUE,
        webhook_auth=Trigger.SIGNATURE if kind == Trigger.WEBHOOK else None,
    )  # fmt: skip
    assert declared_trigger(present) == declared
