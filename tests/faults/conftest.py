"""Fleets of real processes that are ended with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fleet import Fleet

#: points at which the short form kills, on each database; and the full one
SHORT, FULL = 2, 20

MakeFleet = Callable[..., Fleet]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a `seed` once for each seeded point."""
    if "seed" in metafunc.fixturenames:
        in_full = metafunc.config.getoption("--faults") == "full"
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
