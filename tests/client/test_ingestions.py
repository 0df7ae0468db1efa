from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from headrace.v1.contract_pb2 import Contract
from headrace.v1.ingestion_pb2 import Ingestion
from headrace.v1.mapping_pb2 import Mapping
from headrace.v1.upload_pb2 import UploadSession

from headrace_client import Client, InvalidRequestError, NotFoundError, WrongStateError
from headrace_client.ingestions import Correction, Filter

if TYPE_CHECKING:
    from client.fake.server import FakeServer
    from client.fake.state import State


@pytest.fixture
def bad_file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.ndjson"
    path.write_text("{}\nno\nnein\nnon\n")
    return path


async def test_rejects_are_listed_and_replayed(server: "FakeServer", bad_file: Path) -> None:
    async with Client(server.address) as client:
        request_id = (await client.upload(bad_file)).request_id or ""
        assert [i.status async for i in client.watch(request_id)][-1] == (
            Ingestion.COMPLETED_WITH_ERRORS
        )
        rows = [reject async for reject in client.list_rejects(request_id)]
        assert [row.line for row in rows] == [2, 3, 4]
        parked = client.list_rejects(request_id, filter_by=Filter.PARKED)
        assert [row async for row in parked] == []
        fixed = [Correction(reject_id=rows[0].reject_id, raw="{}")]
        answer = await client.replay_rejects(request_id, fixed, only_corrections=True)
        assert answer.replayed == 1
        assert len([reject async for reject in client.list_rejects(request_id)]) == 2


async def test_cancel_and_retry(server: "FakeServer", state: "State", bad_file: Path) -> None:
    state.running.clear()
    async with Client(server.address) as client:
        request_id = (await client.upload(bad_file)).request_id or ""
        with pytest.raises(WrongStateError):
            await client.retry_ingestion(request_id)
        assert (await client.cancel_ingestion(request_id)).status == Ingestion.CANCELLED
        assert (await client.retry_ingestion(request_id)).status == Ingestion.COMPLETED


async def test_contracts(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        assert (await client.register_contract(Contract(name="mine"))).version == 1
        names = [contract.name async for contract in client.list_contracts()]
        assert names == ["commerce", "mine"]
        assert len((await client.get_contract("commerce")).tables) == 4
        with pytest.raises(NotFoundError):
            await client.get_contract("theirs")


async def test_sessions(server: "FakeServer", bad_file: Path) -> None:
    async with Client(server.address) as client:
        upload = await client.upload(bad_file, complete=False)
        assert upload.request_id is None
        session = await client.resume_upload(upload.upload_token)
        assert session.status == UploadSession.OPEN
        await client.abort_upload(upload.upload_token)
        with pytest.raises(NotFoundError):
            await client.get_upload(upload.upload_token)


async def test_more_mappings_than_a_request_holds_are_refused_with_a_way_out() -> None:
    large = (Mapping(id=str(number), source="s" * 4000, target="t") for number in range(2100))
    async with Client("127.0.0.1:1") as client:
        with pytest.raises(InvalidRequestError, match="may have 8388608: split them") as caught:
            await client.create_ingestion(large)
    assert caught.value.reason == "TOO_LARGE"
    assert not caught.value.transient
