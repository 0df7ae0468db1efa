from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from headrace.v1.dataset_pb2 import Dataset, DatasetDeclaration

from headrace_client import Client, NotFoundError

if TYPE_CHECKING:
    from client.fake.server import FakeServer


async def test_datasets(server: "FakeServer") -> None:
    async with Client(server.address) as client:
        for name in ("b", "a", "c"):
            declaration = DatasetDeclaration(full_name=f"x.{name}", description=name)
            made = await client.upsert_dataset(declaration)
            assert made.readiness_score == 1
        assert [d.full_name async for d in client.list_datasets()] == ["x.a", "x.b", "x.c"]
        assert (await client.get_dataset(made.id)).full_name == "x.c"
        assert (await client.score_dataset("x.a")).full_name == "x.a"
        assert (await client.observe_dataset("x.b")).full_name == "x.b"
        ends = datetime(2030, 1, 1, tzinfo=UTC)
        granted = await client.grant_waiver("x.a", "owner_named", "hiring", ends)
        assert granted.waivers[0].expires_at.ToDatetime(UTC) == ends
        assert not (await client.revoke_waiver("x.a", "owner_named")).waivers
        assert [entry async for entry in client.list_score_history("x.a")] == []
        assert (await client.ingest_mock_datasets()).ingested == 1
        with pytest.raises(NotFoundError):
            await client.get_dataset("nothing")


async def test_a_watch_goes_on_after_a_cut(server: "FakeServer") -> None:
    server.state.watch_cuts = [1, 1]
    async with Client(server.address) as client:
        for name in ("x.a", "x.b"):
            await client.upsert_dataset(DatasetDeclaration(full_name=name))
        seen: list[Dataset] = []
        async with aclosing(client.watch_readiness()) as changes:
            async for datasets in changes:
                seen += datasets
                if len(seen) == 3:
                    break
                await client.upsert_dataset(DatasetDeclaration(full_name="x.a"))
    assert [dataset.full_name for dataset in seen] == ["x.a", "x.b", "x.a"]
    assert seen[-1].revision == 3
