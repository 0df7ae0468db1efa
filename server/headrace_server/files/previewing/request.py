"""What is asked of a preview, and its bounds."""

from dataclasses import dataclass
from typing import BinaryIO

from headrace_server.files.formats import Compression
from headrace_server.files.sniffing.containers import FileFormat
from headrace_server.files.sniffing.samples import Sample, take_sample
from headrace_server.files.sniffing.tables import NOTHING, Given

#: bytes of a sample unless it is asked for more
SAMPLE_BYTES = 256 << 10
#: bytes that a sample grows to where it holds fewer rows than are asked for
GROWN_BYTES = 8 << 20
#: plain bytes of a packed or whole file that has to be read as one
MOST_PLAIN_BYTES = 256 << 20
MOST_RATIO = 200
#: bytes of one JSON value that has to be read as one
MOST_JSON_BYTES = 32 << 20
#: characters shown of one value
MOST_CELL = 2000
#: characters of all values of an answer, about
MOST_SHOWN = 1 << 20


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What to show of a file; None is found out."""

    file_name: str
    #: rows to show
    limit: int = 100
    given: Given = NOTHING
    #: CSV and TSV are both delimited text
    format: FileFormat | None = None
    compression: Compression | None = None
    #: name of the sheet
    sheet: str | None = None
    sample_bytes: int = SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file to look at."""

    #: seekable
    file: BinaryIO
    #: bytes as it is stored
    size: int
    #: bytes of them that are here; None for all
    present: int | None = None

    @property
    def cut(self) -> bool:
        """Whether only its beginning is here."""
        return self.present is not None and self.present < self.size

    def sample(self, most: int, compression: Compression | None = None) -> Sample:
        """Return its first plain bytes. Raises what `take_sample` raises."""
        return take_sample(self.file, self.size, most, compression, present=self.present)
