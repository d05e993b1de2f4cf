"""A client that sends messages to both hook addresses during a storm and notes each that was acknowledged."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import count
from random import Random

import httpx2 as httpx
import msgspec
from storm_staff import Story


class Sender(threading.Thread):
    """Sends a message of its own wording every `pause` seconds; only an answer of 2xx counts as a promise."""

    def __init__(self, hooks: Mapping[str, str], stories: Sequence[Story], seed: int, pause: float) -> None:
        super().__init__(name="sender", daemon=True)
        self._hooks, self._stories, self._pause = hooks, stories, pause
        self._random = Random(f"{seed}-sender")
        self._ending = threading.Event()
        self.acknowledged: list[str] = []
        self.refused = self.unanswered = 0

    def stop(self) -> None:
        self._ending.set()
        self.join(30)
        assert not self.is_alive()

    def run(self) -> None:
        with httpx.Client(timeout=5, trust_env=False) as http:
            for number in count(1):
                if self._ending.wait(self._random.uniform(0, 2 * self._pause)):
                    return
                if self._stories:
                    self._send(http, number)

    def _send(self, http: httpx.Client, number: int) -> None:
        side, body = self._message(self._random.choice(self._stories[-40:]), number)
        try:
            answer = http.post(self._hooks[side], content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError:
            self.unanswered += 1
            return
        if answer.is_success:
            self.acknowledged.append(body.decode())
        else:
            self.refused += 1

    def _message(self, story: Story, number: int) -> tuple[str, bytes]:
        if story.jobs and self._random.random() < 0.5:
            job = self._random.choice(list(story.jobs.values()))
            return "mis", msgspec.json.encode({"Event": "JobStatusChanged", "JobNo": job, "Number": number})
        line = {"Id": story.lines[0], "OrderId": int(story.order)}
        envelope = {"action": "OrderStatusChanged", "entity": "Order", "number": number}
        return "storefront", msgspec.json.encode({"webhook": envelope, "data": [line]})
