import errno
import sqlite3

import pytest

from headrace_server.files.disk import on_disk
from headrace_server.model.errors import StorageUnavailableError


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), sqlite3.OperationalError("full")]
)
def test_what_the_disk_refuses_is_said_in_words(error: Exception) -> None:
    words = "the disk cannot take more now: staging rows: (No space left on device|full)"
    with pytest.raises(StorageUnavailableError, match=words), on_disk("staging rows"):
        raise error
