"""Limits on what comes from outside."""

from dataclasses import dataclass
from datetime import timedelta

from headrace_server.model.errors import TooLargeError

MIB = 1 << 20
GIB = 1 << 30
#: smaller than others': so many that two connections are busy to the end
MOST_IMPORT_CHUNK_BYTES = 16 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server takes at most; `composition/foundation.py` says which of it are settings."""

    #: bytes of one upload
    upload_bytes: int = 100 * GIB
    #: bytes of one file after decompression
    inflated_bytes: int = 500 * GIB
    #: how many times larger than its upload a file may inflate
    inflation_ratio: int = 200
    #: bytes of one line
    line_bytes: int = 16 * MIB
    #: how long a load's worker may stay silent before another takes over
    lease: timedelta = timedelta(seconds=15)
    #: files in one request
    files: int = 100
    #: bytes of a chunk, the unit of commit
    chunk_bytes: int = 32 * MIB
    #: bytes of a chunk of an import
    import_chunk_bytes: int = MOST_IMPORT_CHUNK_BYTES
    #: how long an upload session lives after its last bytes
    session_life: timedelta = timedelta(hours=24)
    #: how long the bytes of an ingestion that did not end clean are kept for a retry
    kept_bytes_life: timedelta = timedelta(days=7)
    #: streams that one tenant may hold open
    watches: int = 10_000
    #: how long a watch may stay silent
    heartbeat: timedelta = timedelta(seconds=15)

    def check_upload(self, size: int) -> None:
        """Raise TooLargeError for an upload of more bytes than may be taken."""
        limit = self.upload_bytes
        if size > limit:
            raise TooLargeError(f"an upload may have {limit} bytes at most", limit=str(limit))
