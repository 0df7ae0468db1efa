"""kill -9 amid imports of a watched folder loses no file, halves none and brings in none twice."""

import asyncio
from collections import Counter
from pathlib import Path

from headrace.v1.storage_pb2 import ImportOptions, StoredFile

from headrace_client import Client

from .accounts import control, query
from .fleet import Fleet, MakeFleet, eventually
from .loads import chance_of, kill, start_all

FILES, ROWS = 6, 400
KEY = "k1:" + "A" * 43 + "="


def make(make_fleet: MakeFleet, database_url: str, inbox: Path) -> Fleet:
    inbox.mkdir()
    return make_fleet(database_url, lease_seconds=1, allowed_roots=inbox, secret_keys=KEY)


def write(inbox: Path, number: int, *, first: int = 0) -> None:
    """Put a file into the inbox; its rows tell which they are."""
    rows = "".join(f"{number},{row},text {row}\n" for row in range(first, first + ROWS))
    (inbox / f"readings_{number}.csv").write_text(f"file,row,note\n{rows}")


async def imported(client: Client) -> list[StoredFile]:
    return [file async for file in client.list_files(status=StoredFile.IMPORTED)]


async def rows_in(fleet: Fleet) -> int:
    """Rows that are in the table, 0 before there is one."""
    try:
        (found,) = await query(fleet, f"SELECT count(*) AS n FROM {table(fleet)}")
    except Exception:  # noqa: BLE001  # each driver says it in its own words
        return 0
    return int(found["n"])


def table(fleet: Fleet) -> str:
    return '"raw.readings"' if fleet.is_sqlite else "raw.readings"


async def test_a_watched_folder_is_imported_once_whoever_is_killed(
    database_url: str, make_fleet: MakeFleet, tmp_path: Path, seed: int
) -> None:
    chance, inbox = chance_of(seed), tmp_path / "inbox"
    fleet = make(make_fleet, database_url, inbox)
    await start_all([fleet.server])
    async with fleet.client() as client:
        await client.mount("/in", str(inbox))
        await client.watch_folder(
            "/in", target_table="raw.readings", stable_seconds=0.1, poll_seconds=0.2
        )
        for number in range(FILES):
            write(inbox, number)
        for wanted in sorted(chance.sample(range(1, FILES * ROWS * 2 // 3), 2)):

            async def reached(wanted: int = wanted) -> bool:
                return await rows_in(fleet) >= wanted

            await eventually(reached, f"{wanted} rows")
            await kill([fleet.server])

        async def all_imported() -> bool:
            return len(await imported(client)) == FILES

        await eventually(all_imported, "the imports of all files", every=0.05)
        files = await imported(client)
    found = Counter(
        (int(row["file"]), int(row["row"]))
        for row in await query(fleet, f"SELECT file, row FROM {table(fleet)}")
    )
    assert found == Counter((number, row) for number in range(FILES) for row in range(ROWS))
    assert [(file.rows_imported, file.imports) for file in files] == [(ROWS, 1)] * FILES
    jobs = await control(fleet, "SELECT status FROM jobs WHERE kind = 'import_file'")
    assert Counter(job["status"] for job in jobs) == {"COMPLETED": FILES}


async def test_what_replaces_a_table_does_so_once_and_as_a_whole(
    database_url: str, make_fleet: MakeFleet, tmp_path: Path, seed: int
) -> None:
    chance, inbox = chance_of(seed), tmp_path / "inbox"
    fleet = make(make_fleet, database_url, inbox)
    await start_all([fleet.server])
    async with fleet.client() as client:
        await client.mount("/in", str(inbox))
        write(inbox, 0)
        options = {"target_table": "raw.readings", "wait_seconds": 60.0}
        await client.import_file("/in/readings_0.csv", **options)  # type: ignore[arg-type]
        for number in range(1, 4):
            write(inbox, number, first=number)
            begun = await client.import_file(
                f"/in/readings_{number}.csv",
                target_table="raw.readings",
                wait_seconds=0,
                mode=ImportOptions.REPLACE,
            )
            await asyncio.sleep(chance.uniform(0, 0.4))
            await kill([fleet.server])
            # Whoever reads meanwhile sees one file's rows, and all of them.
            seen = await query(fleet, f"SELECT DISTINCT file FROM {table(fleet)}")
            assert len(seen) == 1
            assert await rows_in(fleet) == ROWS
            async for last in client.watch(begun.import_id):
                done = last
            assert done.rows_loaded == ROWS, done
            (now,) = await query(fleet, f"SELECT DISTINCT file FROM {table(fleet)}")
            assert (int(now["file"]), await rows_in(fleet)) == (number, ROWS)
