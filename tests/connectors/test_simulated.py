from dataclasses import replace

import pytest

from headrace_server.connectors.base import Call, ConnectorError, TemporaryError
from headrace_server.connectors.simulated import SimulatedSystem

from .conftest import CALL


async def outcomes(system: SimulatedSystem, call: Call, number: int = 1000) -> list[bool]:
    found = []
    for mapping in range(number):
        try:
            await system.write("target_1", [{}], replace(call, mapping_id=str(mapping)))
            found.append(True)
        except ConnectorError:
            found.append(False)
    return found


def simulated(success_rate: float = 0.9, seed: int = 0) -> SimulatedSystem:
    return SimulatedSystem(success_rate=success_rate, latency=0, seed=seed)


async def test_its_share_of_calls_succeeds() -> None:
    assert 850 < sum(await outcomes(simulated(), CALL)) < 950
    assert all(await outcomes(simulated(1.0), CALL, 100))
    assert not any(await outcomes(simulated(0.0), CALL, 100))


async def test_the_same_call_ends_alike_and_another_may_not() -> None:
    first = await outcomes(simulated(), CALL)
    assert await outcomes(simulated(), CALL) == first
    assert await outcomes(simulated(seed=1), CALL) != first
    assert await outcomes(simulated(), replace(CALL, attempt=2)) != first
    assert await outcomes(simulated(), replace(CALL, request_id="r2")) != first


async def test_it_tells_what_it_took() -> None:
    system = simulated(1.0)
    records = await system.read("source_1", CALL)
    assert records == [{"id": "m1", "source": "source_1"}]
    assert await system.write("target_1", records, CALL) == {"accepted": 1, "record": records[0]}
    assert (await system.write("target_1", [], CALL))["record"] is None


async def test_a_failure_names_the_target() -> None:
    with pytest.raises(ConnectorError, match="system target_1 failed this call") as caught:
        await simulated(0.0).write("target_1", [{}], CALL)
    assert not isinstance(caught.value, TemporaryError)
