"""Downloads into files."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from headrace_client.opening import opened


async def save(blocks: AsyncGenerator[bytes, None], path: Path) -> None:
    """Write a download to a file, which is there once it is whole.

    Raises what the download raises, and OSError.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        async with opened(part, "wb") as file, aclosing(blocks):
            async for block in blocks:
                await asyncio.to_thread(file.write, block)
        await asyncio.to_thread(part.replace, path)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
