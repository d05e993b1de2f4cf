"""One running printIQ instance: the plant, its login tokens, its outbox, and how a request works on it."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random

from starlette.requests import Request

from countermand.simulators.kit import (
    CallCounts,
    FaultPlan,
    Outbox,
    Past,
    SettingsBox,
    is_ignored,
    lag_of,
    token_is_expired,
)
from countermand.simulators.printiq.hooks import messages_for
from countermand.simulators.printiq.plant import Plant
from countermand.simulators.printiq.settings import Account, PrintIQSettings


class LoginTokens:
    """The tokens of the JSON API; each lives as long as the setting says."""

    def __init__(
        self, settings: SettingsBox[PrintIQSettings], clock: Callable[[], datetime], seed: int
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._random = Random(f"tokens-{seed}")
        self._minted: dict[str, datetime] = {}

    def mint(self, account: Account) -> str | None:
        """Return a new token for a known account, else None."""
        if account not in self._settings.value.accounts:
            return None
        # Base64 with its `+`, `/` and `=`: a client must encode it in the query.
        token = base64.b64encode(b"\xfb" + self._random.randbytes(32)).decode()
        self._minted[token] = self._clock()
        return token

    def is_good(self, token: str) -> bool:
        """Say whether a token was minted here and is young enough."""
        minted = self._minted.get(token)
        life = timedelta(seconds=self._settings.value.token_life_seconds)
        return minted is not None and self._clock() < minted + life

    def revoke(self, token: str) -> None:
        self._minted.pop(token, None)


class Instance:
    """Everything that the pages and services of one simulator share."""

    def __init__(self, settings: PrintIQSettings, *, clock: Callable[[], datetime], seed: int) -> None:
        self.box = SettingsBox(settings)
        self.plant = Plant(self.box, clock=clock, seed=seed)
        self.tokens = LoginTokens(self.box, clock, seed)
        self.plan = FaultPlan()
        self.past = Past(self.plan, self.plant.rehearsal)
        self.counts = CallCounts()
        self.outbox = Outbox(self.plan, clock=clock)

    @property
    def settings(self) -> PrintIQSettings:
        return self.box.value

    def login_is_good(self, request: Request) -> bool:
        """Say whether the request carries a good login token."""
        token = request.query_params.get("LoginToken", "")
        if token_is_expired(request):
            self.tokens.revoke(token)
        return self.tokens.is_good(token)

    def plant_for(self, request: Request) -> Plant:
        """Return the plant as a read has to see it: as it is, or under `lagging-read` as it was."""
        seconds = lag_of(request)
        return self.plant if seconds is None else self.past.as_of(seconds)

    @contextmanager
    def at_work(self, request: Request) -> Iterator[Plant]:
        """Give the plant to a call, then send what happened.

        Under the faults `ok-but-ignored` and `lagging-read` it is a throw-away copy: the answer is a real
        one, and the ledger says that a write was ignored.
        """
        if is_ignored(request) or lag_of(request) is not None:
            copy = self.plant_for(request).rehearsal()
            try:
                yield copy
            finally:
                self.plant.ledger.record_ignored(copy.ledger)
            return
        try:
            yield self.plant
        finally:
            self.publish()

    def publish(self) -> None:
        """Queue the messages for everything that has happened."""
        for event in self.plant.take_events():
            self.outbox.enqueue(*messages_for(event, self.settings))
