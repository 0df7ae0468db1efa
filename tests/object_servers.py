"""Small servers of objects that speak the protocols of Google Cloud Storage and Azure."""

import asyncio
import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from aiohttp import web

_PAGE = 3
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Stored:
    content: bytes
    packed: bool = False
    generation: int = field(default_factory=lambda: next(_numbers))
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        return f"0x{hashlib.md5(self.content, usedforsecurity=False).hexdigest()}{self.generation}"


@dataclass
class ObjectServer:
    """Keeps objects by bucket and key; subclasses tell of them in a provider's way."""

    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    buckets: set[str] = field(default_factory=lambda: {"shop"})
    #: what is answered to all requests for anything but bodies, where it is not 200
    status: int = 200
    #: bytes of a body after which the connection is cut, once for each entry
    cuts: list[int] = field(default_factory=list)
    #: whether requests are left without an answer
    silent: bool = False
    #: where requests for bodies are sent on to
    redirect: str = ""
    #: what a request must say of whom it is of; empty for nothing
    authorization: str = ""
    heard: list[web.BaseRequest] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def put(self, key: str, content: bytes, *, bucket: str = "shop", packed: bool = False) -> None:
        self.objects[bucket, key] = Stored(content, packed)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.heard.append(request)
        if self.silent:
            await asyncio.sleep(3600)
        if self.status != 200:
            return web.Response(status=self.status, text="hush")
        given = request.headers.get("Authorization", "") or request.query.get("sig", "")
        if not given.startswith(self.authorization):
            return web.Response(status=403, text="hush")
        return await self.answer(request)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        raise NotImplementedError

    def page(self, bucket: str, prefix: str, delimiter: str, after: str) -> tuple[Any, Any, str]:
        """Return the objects and folders of a page, and where the next one begins."""
        found: dict[str, Stored | None] = {}
        for (place, key), stored in sorted(self.objects.items()):
            if place == bucket and key.startswith(prefix):
                head, parted, _ = key.removeprefix(prefix).partition(delimiter or "\0")
                found[f"{prefix}{head}{parted}" if parted else key] = None if parted else stored
        names = [name for name in sorted(found) if name > after]
        page, following = names[:_PAGE], names[_PAGE:]
        files = [(name, each) for name in page if (each := found[name]) is not None]
        return files, [name for name in page if not found[name]], page[-1] if following else ""

    async def body(
        self, request: web.BaseRequest, stored: Stored, headers: dict[str, str], span: str
    ) -> web.StreamResponse:
        """Answer with a range of an object, or with a part of it and a cut."""
        if self.redirect:
            raise web.HTTPFound(self.redirect)
        start, end = (int(each) for each in span.removeprefix("bytes=").split("-"))
        part = stored.content[start : end + 1]
        named = {
            **headers,
            "Content-Length": str(len(part)),
            "Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(stored.content)}",
            **({"Content-Encoding": "gzip"} if stored.packed else {}),
        }
        answer = web.StreamResponse(status=206, headers=named)
        await answer.prepare(request)
        if self.cuts:
            await answer.write(part[: self.cuts.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return answer
        await answer.write(part)
        return answer


class GcsServer(ObjectServer):
    """Speaks the JSON API of Google Cloud Storage."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.raw_path.partition("?")[0].removeprefix("/storage/v1/b/")
        bucket, _, key = (unquote(part) for part in (*path.split("/", 2), "", "")[:3])
        key = unquote(path.partition("/o/")[2])
        if bucket not in self.buckets:
            return web.Response(status=404)
        if not key:
            return self._listed(bucket, request)
        stored = self.objects.get((bucket, key))
        if stored is None:
            return web.Response(status=404)
        if request.query.get("alt") != "media":
            return web.json_response(self._described(key, stored))
        if request.query["ifGenerationMatch"] != str(stored.generation):
            return web.Response(status=412)
        return await self.body(request, stored, {}, request.headers["Range"])

    def _listed(self, bucket: str, request: web.BaseRequest) -> web.Response:
        asked = request.query
        files, folders, following = self.page(
            bucket, asked["prefix"], asked.get("delimiter", ""), asked.get("pageToken", "")
        )
        items = [self._described(key, stored) for key, stored in files]
        page = {"items": items, "prefixes": folders, "nextPageToken": following}
        answer = web.Response(text=json.dumps({k: v for k, v in page.items() if v}))
        answer.enable_compression(web.ContentCoding.gzip)
        return answer

    def _described(self, key: str, stored: Stored) -> dict[str, str]:
        return {
            "name": key,
            "size": str(len(stored.content)),
            "updated": stored.modified_at.isoformat(timespec="milliseconds"),
            "generation": str(stored.generation),
        }


class AzureServer(ObjectServer):
    """Speaks the REST API of Azure Blob Storage."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        container, _, key = unquote(request.raw_path.partition("?")[0][1:]).partition("/")
        if container not in self.buckets:
            return web.Response(status=404, headers={"x-ms-error-code": "ContainerNotFound"})
        if not key:
            return self._listed(container, request)
        stored = self.objects.get((container, key))
        if stored is None:
            return web.Response(status=404, headers={"x-ms-error-code": "BlobNotFound"})
        headers = {
            "ETag": f'"{stored.etag}"',
            "Last-Modified": format_datetime(stored.modified_at, usegmt=True),
            "x-ms-blob-type": "BlockBlob",
        }
        if request.method == "HEAD":
            length = str(len(stored.content))
            return web.Response(headers={**headers, "Content-Length": length})
        if request.headers.get("If-Match", headers["ETag"]) != headers["ETag"]:
            return web.Response(status=412, headers={"x-ms-error-code": "ConditionNotMet"})
        return await self.body(request, stored, headers, request.headers["x-ms-range"])

    def _listed(self, container: str, request: web.BaseRequest) -> web.Response:
        asked = request.query
        files, folders, following = self.page(
            container, asked.get("prefix", ""), asked.get("delimiter", ""), asked.get("marker", "")
        )
        blobs = "".join(
            f"<Blob><Name>{escape(key)}</Name><Properties>"
            f"<Last-Modified>{format_datetime(stored.modified_at, usegmt=True)}</Last-Modified>"
            f"<Etag>{stored.etag}</Etag><Content-Length>{len(stored.content)}</Content-Length>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
            for key, stored in files
        )
        blobs += "".join(f"<BlobPrefix><Name>{escape(n)}</Name></BlobPrefix>" for n in folders)
        text = (
            f'<?xml version="1.0"?><EnumerationResults ContainerName="{container}">'
            f"<Prefix>{escape(asked.get('prefix', ''))}</Prefix>"
            f"<Delimiter>{escape(asked.get('delimiter', ''))}</Delimiter>"
            f"<Blobs>{blobs}</Blobs><NextMarker>{escape(following)}</NextMarker>"
            "</EnumerationResults>"
        )
        return web.Response(text=text, content_type="application/xml")


@contextmanager
def serving(server: ObjectServer) -> Iterator[ObjectServer]:
    """Serve on a free port of loopback, from a thread of its own."""
    ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        runner = web.ServerRunner(
            web.Server(server.handle, handler_cancellation=True), shutdown_timeout=0.1
        )
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        server.port = runner.addresses[0][1]
        ended = asyncio.Event()
        ready.set_result((asyncio.get_running_loop(), ended))
        await ended.wait()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    loop, ended = ready.result()
    yield server
    loop.call_soon_threadsafe(ended.set)
    thread.join()
