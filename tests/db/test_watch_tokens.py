from datetime import datetime, timedelta

from headrace_server.db import watch_tokens
from headrace_server.db.engine import ControlStore
from headrace_server.db.watch_tokens import WatchToken

LIFE = timedelta(minutes=10)


async def test_a_token_opens_its_topic_until_it_expires(store: ControlStore, now: datetime) -> None:
    async with store.begin() as connection:
        for name, key_id in (("h1", "k1"), ("h2", None)):
            await watch_tokens.insert(
                connection,
                token_hash=name,
                tenant_id="acme",
                key_id=key_id,
                topic="ingestion:1",
                expires_at=now + LIFE,
            )
        find = watch_tokens.find
        assert await find(connection, "h1", "ingestion:1", now) == WatchToken("acme", "k1")
        assert await find(connection, "h2", "ingestion:1", now) == WatchToken("acme", None)
        assert await find(connection, "h1", "ingestion:2", now) is None
        assert await find(connection, "h3", "ingestion:1", now) is None
        assert await find(connection, "h1", "ingestion:1", now + LIFE) is None
        assert await watch_tokens.delete_expired(connection, now) == 0
        assert await watch_tokens.delete_expired(connection, now + LIFE) == 2
