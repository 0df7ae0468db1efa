"""A worker that converts HTML documents to plain text.

    uv run python examples/html_worker.py 127.0.0.1:50051

It takes jobs of content type "document" until Ctrl-C or SIGTERM.
"""

import asyncio
import sys
from html.parser import HTMLParser

from headrace_client import BlockingJob, Client, Result, Worker

_BLOCKS = {"address", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "li", "p", "pre", "tr"}
_UNSEEN = {"head", "script", "style", "template"}


class TextOfHtml(HTMLParser):
    """Gathers the text of an HTML document, a line per block."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[str] = []
        self._unseen = 0
        self.title = ""
        self._in_title = False

    @classmethod
    def of(cls, html: str) -> "TextOfHtml":
        """Return the text of a whole document."""
        text = cls()
        text.feed(html)
        text.close()
        return text

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        """Begin a line before a block, and stop listening where nothing is shown."""
        self._unseen += tag in _UNSEEN
        self._in_title = tag == "title"
        if tag in _BLOCKS:
            self._pieces.append("\n")
        if tag == "li":
            self._pieces.append("- ")

    def handle_endtag(self, tag: str) -> None:
        """End what the start tag began."""
        self._unseen -= tag in _UNSEEN and self._unseen > 0
        self._in_title = False
        if tag in _BLOCKS:
            self._pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep text that is shown."""
        if self._in_title:
            self.title += data.strip()
        elif not self._unseen:
            self._pieces.append(data.replace("\n", " "))

    @property
    def text(self) -> str:
        """The lines, without blank ones."""
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        return "\n".join(filter(None, lines))


def convert(job: BlockingJob) -> Result:
    """Convert one document; its encoding may be asked for in the options."""
    page = TextOfHtml.of(job.read().decode(job.options.get("encoding", "utf-8")))
    return Result(page.text, {"title": page.title, "words": len(page.text.split())})


async def main(address: str) -> None:
    """Work until a signal comes."""
    async with Client(address) as client:
        worker = Worker(client, concurrency=4)
        worker.handles("document")(convert)
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:2] or ["127.0.0.1:50051"]))
