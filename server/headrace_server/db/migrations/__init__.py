"""The control store's schema, step by step."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from headrace_server.db.engine import ControlStore

# Any number that nothing else on the database locks by.
_LOCK = 0x6865_6164_7261_6365


async def migrate(store: ControlStore) -> None:
    """Bring the schema up to date; several servers may do so at once.

    Raises StorageUnavailableError.
    """
    await upgrade(store, "head")


async def upgrade(store: ControlStore, revision: str) -> None:
    """Apply every step up to a revision, all or none."""
    await _run(store, command.upgrade, revision)


async def downgrade(store: ControlStore, revision: str) -> None:
    """Take back every step after a revision, all or none; `base` takes back everything."""
    await _run(store, command.downgrade, revision)


async def _run(store: ControlStore, step: Callable[[Config, str], None], revision: str) -> None:
    async with store.begin() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        await connection.run_sync(lambda c: step(_config(c), revision))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
