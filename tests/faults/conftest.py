"""Fleets of real processes that are ended with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .fleet import Fleet, MakeFleet

#: seeds of the short form, and of the full one; kills happen at two points with each
SHORT, FULL = 1, 10
#: rounds of the short and of the full form of the chaos of remote jobs
SHORT_ROUNDS, FULL_ROUNDS = 6, 100


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `seed` once for each seeded point; give `rounds` who asks."""
    in_full = metafunc.config.getoption("--faults") == "full"
    if "rounds" in metafunc.fixturenames:
        metafunc.parametrize("rounds", [FULL_ROUNDS if in_full else SHORT_ROUNDS])
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, (FULL if in_full else SHORT) + 1))


@pytest.fixture
def make_fleet(tmp_path: Path) -> Iterator[MakeFleet]:
    """Make a fleet on a database; it ends with the test."""
    fleets: list[Fleet] = []

    def make(database_url: str, **settings: object) -> Fleet:
        folder = tmp_path / f"fleet-{len(fleets)}"
        folder.mkdir()
        fleets.append(Fleet(folder, database_url, settings))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.end()


@pytest.fixture
def fleet(database_url: str, make_fleet: MakeFleet) -> Fleet:
    """A fleet whose server does not run yet, on each engine."""
    return make_fleet(database_url, lease_seconds=2)


@pytest.fixture
def sqlite_fleet(sqlite_url: str, make_fleet: MakeFleet) -> Fleet:
    """A fleet on SQLite with a lease that no test outlives."""
    return make_fleet(sqlite_url, lease_seconds=3600)


@pytest.fixture
def postgres_fleet(postgres_url: str, make_fleet: MakeFleet) -> Fleet:
    """A fleet on PostgreSQL with short leases."""
    return make_fleet(postgres_url, lease_seconds=2)
