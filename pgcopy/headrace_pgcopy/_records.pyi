from collections.abc import Sequence
from typing import Self

class RecordEncoder:
    def __new__(
        cls, fields: Sequence[tuple[int, int, int]], delimiter: bytes, quote: bytes, longest: int
    ) -> Self: ...
    def count(self, data: memoryview, wanted: int) -> tuple[tuple[int, int] | None, int]: ...
    def encode(
        self, data: memoryview, wanted: int
    ) -> tuple[tuple[memoryview, int, int] | None, int]: ...
