"""Judgements of a real HTTP server, which may lie."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from headrace_server.connectors.chat import Chat
from headrace_server.core.relationships.evidence import relationship
from headrace_server.core.relationships.judgement import Judgement

from .conftest import pair_of, scored_of, table_of

CUSTOMERS = table_of("customers", id=range(1, 11))
ORDERS = table_of("orders", id=range(100, 130), who=[1, 2, 3] * 10)
PAIR = pair_of(ORDERS, "who", CUSTOMERS, "id")


class Endpoint:
    """Answers all questions with the same text."""

    def __init__(self) -> None:
        self.says = ""
        self.heard: list[Any] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r")[0])
        document = json.loads(await reader.readexactly(length))
        self.heard.append(json.loads(document["messages"][1]["content"]))
        body = json.dumps({"choices": [{"message": {"content": self.says}}]}).encode()
        lines = ["HTTP/1.1 200 OK", f"content-length: {len(body)}", "connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        writer.close()
        await writer.wait_closed()

    @property
    def chat(self) -> Chat:
        return Chat(f"http://127.0.0.1:{self.port}/v1", "m", timeout=5)


@pytest.fixture
async def endpoint() -> AsyncIterator[Endpoint]:
    served = Endpoint()
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    served.port = server.sockets[0].getsockname()[1]
    yield served
    server.close()
    await server.wait_closed()


async def test_a_judgement_is_weighed_in(endpoint: Endpoint) -> None:
    (doubtful,) = scored_of([CUSTOMERS, ORDERS], (PAIR, 0.7))
    endpoint.says = 'Sure: {"judgements": [{"pair": 0, "probability": 0.95}]}'
    (judged,) = await Judgement(endpoint.chat)([doubtful])
    assert 0.85 < judged.probability < 0.95
    told = relationship(judged, use_ai=True)
    assert told.evidence[-1] == "the configured model gives it 95%"
    ((asked,),) = endpoint.heard
    assert asked["from"] == {"table": "orders", "column": "who", "type": "BIGINT"}
    assert "values" not in asked["to"]
    await Judgement(endpoint.chat, share_values=True)([doubtful])
    assert endpoint.heard[1][0]["from"]["values"] == ["1", "2", "3"]


@pytest.mark.parametrize(
    "says",
    [
        "I do not know",
        "{}",
        '{"judgements": 7}',
        '{"judgements": [{"pair": 0}]}',
        '{"judgements": [{"pair": 5, "probability": 0.5}, {"pair": 0, "probability": 7}]}',
        '{"judgements": [{"pair": 1e400, "probability": 0.5}]}',
        '{"judgements": [{"pair": 0, "probability": NaN}]}',
    ],
)
async def test_rubbish_changes_nothing(endpoint: Endpoint, says: str) -> None:
    scored = scored_of([CUSTOMERS, ORDERS], (PAIR, 0.7))
    endpoint.says = says
    assert await Judgement(endpoint.chat)(scored) == scored


async def test_a_lie_alone_does_not_decide(endpoint: Endpoint) -> None:
    (doubtful,) = scored_of([CUSTOMERS, ORDERS], (PAIR, 0.35))
    endpoint.says = '{"judgements": [{"pair": 0, "probability": 1}]}'
    (judged,) = await Judgement(endpoint.chat)([doubtful])
    assert judged.probability < 0.8


async def test_only_the_most_doubtful_are_asked_about(endpoint: Endpoint) -> None:
    scored = scored_of([CUSTOMERS, ORDERS], *[(PAIR, 0.5)] * 61, (PAIR, 0.94))
    endpoint.says = '{"judgements": []}'
    judged = await Judgement(endpoint.chat)(scored)
    assert len(judged) == 62
    assert [len(asked) for asked in endpoint.heard] == [20, 20, 20]


async def test_without_an_endpoint_all_stays(endpoint: Endpoint) -> None:
    scored = scored_of([CUSTOMERS, ORDERS], (PAIR, 0.7))
    assert await Judgement(Chat("http://127.0.0.1:1", "m"))(scored) == scored
