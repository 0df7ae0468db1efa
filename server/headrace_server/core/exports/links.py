"""Download links: signed, with an end, good without a key."""

import hashlib
import hmac
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime

from headrace_server.core.exports.exports import Exports
from headrace_server.core.pieces import pieces_of
from headrace_server.core.tenants import Tenants
from headrace_server.db import exports as export_rows
from headrace_server.db import signing_keys
from headrace_server.db.engine import ControlStore
from headrace_server.files.spool import Spool
from headrace_server.model.errors import UnauthenticatedError, WrongStateError
from headrace_server.model.export import Export, ExportStatus
from headrace_server.model.tenant import Principal, Scope

_KEY = "exports"


class DownloadLinks:
    """Signs links to files of exports, says whom they speak for, and streams the files."""

    def __init__(
        self,
        store: ControlStore,
        spool: Spool,
        tenants: Tenants,
        exports: Exports,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._spool = spool
        self._tenants = tenants
        self._exports = exports
        self._clock = clock
        self._key: bytes | None = None

    async def signer(self) -> Callable[[Export], str]:
        """Return what says where a file is downloaded, below the API's address, if there is one."""
        key = await self._signing_key()

        def url(export: Export) -> str:
            if export.status is not ExportStatus.COMPLETED:
                return ""
            expires = int(export.expires_at.timestamp())
            signature = _signature(key, export.export_id, expires)
            query = f"expires={expires}&signature={signature}"
            return f"/api/v1/mvp/exports/{export.export_id}/download?{query}"

        return url

    async def principal_of(self, export_id: str, expires: int, signature: str) -> Principal:
        """Return whom a link speaks for. Raises UnauthenticatedError for any but a good one."""
        key = await self._signing_key()
        good = hmac.compare_digest(_signature(key, export_id, expires).encode(), signature.encode())
        if good and expires > self._clock().timestamp():
            async with self._store.read() as connection:
                export = await export_rows.find_in_any_tenant(connection, export_id)
            if export is not None:
                principal = Principal(export.tenant_id, frozenset({Scope.READ}), None)
                if await self.still_speaks(principal):
                    return principal
        raise UnauthenticatedError(
            "the link to the export is wrong or over: GetExport gives download_url anew"
        )

    async def still_speaks(self, principal: Principal) -> bool:
        """Whether the tenant that a link speaks for is let in now."""
        return await self._tenants.is_active(principal.tenant_id)

    async def open(
        self, caller: Principal, export_id: str
    ) -> tuple[Export, AsyncGenerator[bytes, None]]:
        """Return an export and its file in pieces of at most 1 MiB; close these.

        Raises NotFoundError, and WrongStateError where it is not completed.
        """
        export = await self._exports.get(caller, export_id)
        if export.status is not ExportStatus.COMPLETED:
            raise WrongStateError(
                f"the export is {export.status.value}: it has no file",
                status=export.status.value,
            )
        return export, self._pieces(export)

    async def _pieces(self, export: Export) -> AsyncGenerator[bytes, None]:
        path = self._spool.export_file(export.export_id, export.file_attempt)
        async with aclosing(pieces_of(path, "export")) as pieces:
            async for piece in pieces:
                yield piece

    async def _signing_key(self) -> bytes:
        if self._key is None:
            async with self._store.begin() as connection:
                self._key = await signing_keys.keep(connection, _KEY, secrets.token_bytes(32))
        return self._key


def _signature(key: bytes, export_id: str, expires: int) -> str:
    return hmac.new(key, f"{export_id}\n{expires}".encode(), hashlib.sha256).hexdigest()
