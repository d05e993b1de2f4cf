"""One running storefront: the shop, what it sends out, and how a request works on it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec
from starlette.requests import Request

from countermand.simulators.infigo.book import RefusedError
from countermand.simulators.infigo.events import Action, Event
from countermand.simulators.infigo.sender import PrintIQSender
from countermand.simulators.infigo.settings import InfigoSettings, Webhook
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.submission import SubmissionState
from countermand.simulators.infigo.webhooks import hook_messages
from countermand.simulators.kit import (
    CallCounts,
    FaultPlan,
    Message,
    Outbox,
    Past,
    SettingsBox,
    is_ignored,
    lag_of,
)

#: How long making an output file takes here.
OUTPUT_SECONDS = 0.05


class Storefront:
    """Everything that the pages and services of one simulator share. Used on the event loop only."""

    def __init__(self, settings: InfigoSettings, *, clock: Callable[[], datetime], seed: int) -> None:
        self.box = SettingsBox(settings)
        self.shop = Shop(lambda: self.box.value, clock=clock, seed=seed)
        self.plan = FaultPlan()
        self.past = Past(self.plan, self.shop.picture)
        self.counts = CallCounts()
        self.outbox = Outbox(self.plan, clock=clock)
        self.sender = PrintIQSender(self.shop, lambda: self.box.value)
        #: Events that a Delayed webhook is gathering.
        self._gathered: dict[Webhook, list[Event]] = {}

    @property
    def settings(self) -> InfigoSettings:
        return self.box.value

    def shop_for(self, request: Request) -> Shop:
        """Return the shop as a read has to see it: as it is, or under `lagging-read` as it was."""
        seconds = lag_of(request)
        return self.shop if seconds is None else self.past.as_of(seconds)

    @contextmanager
    def at_work(self, request: Request) -> Iterator[Shop]:
        """Give the shop to a call, then send what happened; nothing stays of a call that a fault deceives."""
        if lag_of(request) is not None:
            earlier = self.shop_for(request).picture()
            try:
                yield earlier
            finally:
                self.shop.ledger.record_ignored(earlier.ledger)
            return
        if is_ignored(request):
            with self.shop.without_effect():
                yield self.shop
            return
        try:
            yield self.shop
        finally:
            self.publish()

    def publish(self) -> None:
        """Queue what has to leave the shop because of everything that has happened."""
        events = self.shop.drain_events()
        if not events:
            return
        for hook in self.settings.webhooks:
            if hook.delivery == "Immediate":
                for event in events:
                    self.outbox.enqueue(*hook_messages(hook, [event], self.shop))
            else:
                self._gather(hook, events)
        for event in events:
            waiting = self.shop.submission(event.order_id).state is SubmissionState.WAITING
            if event.action is Action.ORDER_PLACED and waiting:
                self.sender.send(event.order_id, after=self.settings.plugin.delay_seconds)

    def _gather(self, hook: Webhook, events: list[Event]) -> None:
        if hook not in self._gathered:
            self._gathered[hook] = []
            asyncio.get_running_loop().call_later(hook.delay_seconds, self._send_gathered, hook)
        self._gathered[hook].extend(events)

    def _send_gathered(self, hook: Webhook) -> None:
        self.outbox.enqueue(*hook_messages(hook, self._gathered.pop(hook), self.shop))

    def send_again(self, order_id: int) -> None:
        """Send an order to printIQ because a person asked. Raises `RefusedError` where that cannot be."""
        order, submission = self.shop.order(order_id), self.shop.submission(order_id)
        if not (self.settings.plugin.enabled and self.settings.plugin.printiq_url):
            raise RefusedError("The printIQ plugin is off, or has no address of printIQ.")
        if submission.state is SubmissionState.SENT:
            raise RefusedError(f"Order {order.id} is in printIQ already.")
        if submission.state is SubmissionState.WAITING:
            raise RefusedError(f"Order {order.id} is on its way to printIQ.")
        waiting = msgspec.structs.replace(submission, state=SubmissionState.WAITING, reason="", attempts=0)
        self.shop.set_submission(order_id, waiting)
        self.sender.send(order_id, by_hand=True)

    def finish_output_later(self, job_id: str, callback_url: str) -> None:
        """Make a line's output file in the background and tell `callback_url` (GUESS: the body)."""
        loop = asyncio.get_running_loop()
        loop.call_later(OUTPUT_SECONDS, self._finish_output, job_id, callback_url)

    def _finish_output(self, job_id: str, callback_url: str) -> None:
        line = self.shop.finish_output(job_id)
        self.publish()
        if callback_url:
            url = f"{self.settings.public_url}/services/api/orderlineitem/download/{line.job_id}"
            body = {"JobId": line.job_id, "Status": line.status.name, "DownloadUrl": url}
            message = Message(
                url=callback_url,
                headers={"Content-Type": "application/json"},
                body=msgspec.json.encode(body),
                kind="output callback",
            )
            self.outbox.enqueue(message)
