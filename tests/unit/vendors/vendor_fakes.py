"""A clock that only moves when told, and a vendor that answers from a list and remembers its requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import httpx2 as httpx
import msgspec

T = TypeVar("T")
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


class FakeClock:
    """`clock()` is now; `clock.sleep` moves it on at once."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class FakeVendor:
    """Answers each request by the end of its path; a list is used up, its last entry stays."""

    def __init__(self, **answers: Answer | list[Answer]) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[httpx.Request] = []
        for name, answer in answers.items():
            self.on(name.replace("__", "/"), answer)

    def on(self, path_end: str, answer: Answer | list[Answer]) -> None:
        self.answers[path_end.lower()] = list(answer) if isinstance(answer, list) else [answer]

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]

    def bodies(self) -> list[Any]:
        return [msgspec.json.decode(request.content) for request in self.requests if request.content]

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.lower()
        for path_end, answers in self.answers.items():
            if path.endswith(path_end):
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
                if isinstance(answer, Exception):
                    raise answer
                if isinstance(answer, httpx.Response):
                    return httpx.Response(
                        answer.status_code, headers=_content_type(answer), content=answer.content
                    )
                return answer(request)
        raise AssertionError(f"{request.method} {path} is not among {sorted(self.answers)}")


def _content_type(answer: httpx.Response) -> dict[str, str]:
    kept = ("content-type", "location", "retry-after", "date")
    return {name: value for name, value in answer.headers.items() if name in kept}


def json_answer(value: object, status: int = 200) -> httpx.Response:
    return httpx.Response(
        status, content=msgspec.json.encode(value), headers={"Content-Type": "application/json"}
    )


def html_answer(status: int = 200) -> httpx.Response:
    return httpx.Response(status, html="<!DOCTYPE html><html><form>Log in</form></html>")
