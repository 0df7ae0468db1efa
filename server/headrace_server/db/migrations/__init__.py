"""The control store's schema, step by step."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, inspect, text

from headrace_server.db.engine import ControlStore

if TYPE_CHECKING:
    from alembic.config import Config

_FOLDER = Path(__file__).parent
# Any number that nothing else on the database locks by.
_LOCK = 0x6865_6164_7261_6365


async def migrate(store: ControlStore) -> None:
    """Bring the schema up to date; several servers may do so at once.

    Raises StorageUnavailableError.
    """
    if not await _is_up_to_date(store):
        await upgrade(store, "head")


async def _is_up_to_date(store: ControlStore) -> bool:
    """Whether nothing is to be done, told without Alembic, which takes a tenth of a start."""
    newest = max(path.name.partition("_")[0] for path in _FOLDER.glob("versions/[0-9]*.py"))
    async with store.read() as connection:
        if not await connection.run_sync(lambda c: inspect(c).has_table("alembic_version")):
            return False
        found = await connection.execute(text("SELECT version_num FROM alembic_version"))
    return found.scalars().all() == [newest]


async def upgrade(store: ControlStore, revision: str) -> None:
    """Apply every step up to a revision, all or none."""
    await _run(store, "upgrade", revision)


async def downgrade(store: ControlStore, revision: str) -> None:
    """Take back every step after a revision, all or none; `base` takes back everything."""
    await _run(store, "downgrade", revision)


async def _run(store: ControlStore, step: Literal["upgrade", "downgrade"], revision: str) -> None:
    from alembic import command  # noqa: PLC0415  # see `_is_up_to_date`

    async with store.begin() as connection:
        if store.dialect == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        await connection.run_sync(lambda c: getattr(command, step)(_config(c), revision))


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # see `_is_up_to_date`

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
