from pathlib import Path

import pytest

DATA = Path(__file__).parents[2] / "data" / "dialects"


@pytest.fixture
def dialects() -> Path:
    """Folder of files of known dialect; see its SOURCE.md."""
    return DATA
