"""Envoy's admin interface, on loopback."""

import asyncio
import json
from http.client import HTTPConnection, HTTPException
from typing import Any

from headrace_server.gateway.options import Address

_STEP_SECONDS = 0.05
_TIMEOUT_SECONDS = 5.0


class Admin:
    """Asks a running Envoy and tells it to drain."""

    def __init__(self, address: Address) -> None:
        self._address = address

    async def is_ready(self) -> bool:
        """Whether it accepts calls."""
        try:
            status, _ = await self._request("GET", "/ready")
        except (OSError, HTTPException):
            return False
        return status == 200  # noqa: PLR2004  # OK

    async def listener_port(self, name: str) -> int:
        """Return the port that the listener of that name listens on."""
        _, body = await self._request("GET", "/listeners?format=json")
        listeners: list[dict[str, Any]] = json.loads(body)["listener_statuses"]
        listener = next(each for each in listeners if each["name"] == name)
        port: int = listener["local_address"]["socket_address"]["port_value"]
        return port

    async def drain(self, grace: float) -> None:
        """Refuse new connections and return when no call is open, or after `grace` seconds."""
        try:
            await self._request("POST", "/drain_listeners?graceful&skip_exit")
            async with asyncio.timeout(grace):
                while await self._active_calls():  # noqa: ASYNC110  # Envoy tells only when asked
                    await asyncio.sleep(_STEP_SECONDS)
        except (OSError, HTTPException, TimeoutError):
            return

    async def _active_calls(self) -> int:
        _, body = await self._request(
            "GET", "/stats?format=json&filter=^http\\.http\\.downstream_rq_active$"
        )
        return sum(int(stat["value"]) for stat in json.loads(body)["stats"] if "value" in stat)

    async def _request(self, method: str, path: str) -> tuple[int, bytes]:
        return await asyncio.to_thread(self._request_now, method, path)

    def _request_now(self, method: str, path: str) -> tuple[int, bytes]:
        connection = HTTPConnection(
            self._address.host, self._address.port, timeout=_TIMEOUT_SECONDS
        )
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
