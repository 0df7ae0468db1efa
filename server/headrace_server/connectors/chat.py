"""A language model behind an endpoint that speaks as OpenAI's chat completions do."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

#: bytes of an answer at most
_MOST_BYTES = 1 << 20


class ChatError(Exception):
    """No answer came that can be used; the message shows nothing that was sent."""


@dataclass(frozen=True, slots=True)
class Chat:
    """An endpoint and the model that is asked there."""

    #: such as http://127.0.0.1:11434/v1; the operator's word: no address is refused
    url: str
    model: str
    key: str = field(default="", repr=False)
    #: seconds that a whole answer may take
    timeout: float = 20.0

    async def answer(self, task: str, question: str) -> str:
        """What the model says to a question, given a task. Raises ChatError."""
        try:
            async with asyncio.timeout(self.timeout):
                body = await self._post(task, question)
            content = json.loads(body)["choices"][0]["message"]["content"]
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise ChatError(f"the endpoint does not answer: {type(error).__name__}") from error
        except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
            raise ChatError("the answer is no chat completion") from error
        if not isinstance(content, str):
            raise ChatError("the answer holds no text")
        return content

    async def _post(self, task: str, question: str) -> bytes:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        url = f"{self.url.rstrip('/')}/chat/completions"
        async with (
            httpx.AsyncClient(timeout=self.timeout, trust_env=False) as client,
            client.stream(
                "POST", url, json=self._document(task, question), headers=headers
            ) as response,
        ):
            response.raise_for_status()
            return await _body(response)

    def _document(self, task: str, question: str) -> dict[str, Any]:
        messages = [{"role": "system", "content": task}, {"role": "user", "content": question}]
        return {"model": self.model, "temperature": 0, "messages": messages}


async def _body(response: httpx.Response) -> bytes:
    body = bytearray()
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MOST_BYTES:
            raise ChatError("the answer is too long")
    return bytes(body)
