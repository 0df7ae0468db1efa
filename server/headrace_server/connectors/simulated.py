"""The simulated external system: any bare name is one of its parts."""

import asyncio
from collections.abc import Sequence
from hashlib import blake2b

from headrace_server.connectors.base import Call, ConnectorError, Output
from headrace_server.model.mapping import Record

_FRACTIONS = 2**64


class SimulatedSystem:
    """Takes each call a while for, and fails some: which ones follows from seed and call."""

    tries = 1

    def __init__(self, *, success_rate: float, latency: float, seed: int) -> None:
        """Take the share of calls that succeed and the seconds that each takes."""
        self._success_rate = success_rate
        self._latency = latency
        self._seed = seed

    def check(self, address: str, *, written: bool) -> None:
        """Take any name."""

    def host_of(self, address: str) -> None:
        """Set no limits."""

    async def read(self, address: str, call: Call) -> list[Record]:
        """Return one record that tells where it is from; costs no call."""
        return [{"id": call.mapping_id, "source": address}]

    async def write(self, address: str, records: Sequence[Record], call: Call) -> Output:
        """Call the system once."""
        await asyncio.sleep(self._latency)
        if self._chance(call) >= self._success_rate:
            raise ConnectorError(f"the simulated system {address} failed this call")
        return {"accepted": len(records), "record": records[0] if records else None}

    def _chance(self, call: Call) -> float:
        key = f"{self._seed}\0{call.request_id}\0{call.mapping_id}\0{call.attempt}"
        return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) / _FRACTIONS
