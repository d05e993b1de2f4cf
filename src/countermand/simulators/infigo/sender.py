"""Sends orders to printIQ over HTTP in the background, one after another, with bounded retries."""

import asyncio
import heapq
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from time import monotonic

import httpx2 as httpx
import msgspec
from msgspec.structs import replace

from countermand.simulators.infigo.plugin import (
    Answer,
    Call,
    DeclinedError,
    NoAnswerError,
    NotAskedError,
    SendingError,
    UnsureError,
    send_order,
)
from countermand.simulators.infigo.settings import InfigoSettings
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.infigo.submission import Acceptance, SubmissionState

#: How long a token is kept before a new one is asked for; its life is not known, clients take 10 minutes.
TOKEN_SECONDS = 600.0


class PrintIQConnection:
    """The calls of printIQ's JSON API and OData, each with one judgement of its answer."""

    def __init__(self, client: httpx.AsyncClient, settings: Callable[[], InfigoSettings]) -> None:
        self._client = client
        self._settings = settings
        self._token = ""
        self._token_until = 0.0

    async def make(self, call: Call) -> Answer:
        """Make one call. Raises `DeclinedError`, `NotAskedError` or `NoAnswerError`."""
        if call.odata_filter:
            return await self._odata(call)
        try:
            return await self._quote_process(call)
        except DeclinedError as declined:
            # A token that was taken back early is the one refusal that asking again may cure.
            if "token" not in str(declined).lower():
                raise
            self._token = ""
            return await self._quote_process(call)

    async def _quote_process(self, call: Call) -> Answer:
        token = await self._valid_token()
        answer = await self._request(
            "POST",
            f"api/QuoteProcess/{call.name}",
            params={"LoginToken": token},
            headers={"X-Sim-Order": str(call.order_id)},
            json=call.body,
        )
        value = _json(answer)
        if not isinstance(value, dict):
            raise NoAnswerError(f"printIQ answered {call.name} with something other than an object.")
        if value.get("IsError"):
            raise DeclinedError(f"printIQ: {value.get('ErrorMessage') or 'an error without a text'}")
        return value

    async def _odata(self, call: Call) -> Answer:
        headers = {"PrintIQ-Access-Token": self._settings().plugin.odata_token}
        answer = await self._request(
            "GET", f"api/v1/odata/{call.name}", params={"$filter": call.odata_filter}, headers=headers
        )
        value = _json(answer)
        if not isinstance(value, dict):
            raise NoAnswerError(f"printIQ answered {call.name} with something other than an object.")
        return value

    async def _valid_token(self) -> str:
        if self._token and monotonic() < self._token_until:
            return self._token
        plugin = self._settings().plugin
        credentials = {
            "UserName": plugin.printiq_username,
            "Password": plugin.printiq_password,
            "ApplicationName": plugin.printiq_application_name,
            "ApplicationKey": plugin.printiq_application_key,
        }
        try:
            path = "api/QuoteProcess/GetApplicationLogInToken"
            token = _json(await self._request("POST", path, params=credentials))
        except NoAnswerError as error:
            # Nothing was asked of the quote itself yet.
            raise NotAskedError(str(error)) from error
        if not isinstance(token, str) or not token:
            raise DeclinedError("printIQ gave no login token; check the plugin's user and application key.")
        self._token, self._token_until = token, monotonic() + TOKEN_SECONDS
        return token

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        plugin = self._settings().plugin
        url = f"{plugin.printiq_url.rstrip('/')}/{path}"
        try:
            answer = await self._client.request(
                method,
                url,
                params=dict(params),
                headers=dict(headers or {}),
                json=json,
                timeout=plugin.timeout_seconds,
            )
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.InvalidURL,
            httpx.UnsupportedProtocol,
        ) as error:
            raise NotAskedError(f"printIQ cannot be reached at {plugin.printiq_url}.") from error
        except httpx.HTTPError as error:
            raise NoAnswerError(f"printIQ did not answer {path.rpartition('/')[2]}.") from error
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise NotAskedError("printIQ takes no more calls at the moment.")
        if not answer.is_success:
            raise NoAnswerError(f"printIQ answered {path.rpartition('/')[2]} with HTTP {answer.status_code}.")
        return answer


def _json(answer: httpx.Response) -> object:
    try:
        return msgspec.json.decode(answer.content, type=object)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoAnswerError("printIQ answered with something other than JSON.") from error


class PrintIQSender:
    """The plugin's queue. Used on the event loop only."""

    def __init__(self, shop: Shop, settings: Callable[[], InfigoSettings]) -> None:
        self._shop = shop
        self._settings = settings
        self._due: list[tuple[float, int, int, bool]] = []
        self._number = count()
        self._wake = asyncio.Event()

    def send(self, order_id: int, *, by_hand: bool = False, after: float = 0.0) -> None:
        """Queue an order; `by_hand` when a person asked for it."""
        heapq.heappush(self._due, (monotonic() + after, next(self._number), order_id, by_hand))
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled."""
        fresh = httpx.Limits(max_keepalive_connections=0)
        async with httpx.AsyncClient(limits=fresh, trust_env=False) as client:
            connection = PrintIQConnection(client, self._settings)
            while True:
                await self._wait_until_due()
                _, _, order_id, by_hand = heapq.heappop(self._due)
                await self._try(connection, order_id, by_hand=by_hand)

    async def _wait_until_due(self) -> None:
        while not self._due or self._due[0][0] > monotonic():
            self._wake.clear()
            wait = self._due[0][0] - monotonic() if self._due else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), wait)

    async def _try(self, connection: PrintIQConnection, order_id: int, *, by_hand: bool) -> None:
        submission = self._shop.submission(order_id)
        if submission.state is SubmissionState.SENT:
            return
        attempts = submission.attempts + 1
        self._shop.set_submission(order_id, replace(submission, attempts=attempts))
        try:
            await self._drive(connection, order_id, by_hand=by_hand)
        except SendingError as error:
            self._failed(order_id, error)
        else:
            self._settle(order_id, SubmissionState.SENT, "")

    async def _drive(self, connection: PrintIQConnection, order_id: int, *, by_hand: bool) -> None:
        steps = send_order(self._shop, self._settings(), order_id, by_hand=by_hand)
        try:
            call = next(steps)
            while True:
                try:
                    answer = await connection.make(call)
                except SendingError as error:
                    call = steps.throw(error)
                else:
                    call = steps.send(answer)
        except StopIteration:
            return

    def _failed(self, order_id: int, error: SendingError) -> None:
        plugin, submission = self._settings().plugin, self._shop.submission(order_id)
        again = isinstance(error, NoAnswerError | NotAskedError | UnsureError)
        if again and submission.attempts < plugin.attempts:
            self._settle(order_id, SubmissionState.WAITING, str(error))
            self.send(order_id, after=plugin.retry_seconds)
        elif Acceptance.ASKED in submission.acceptances.values():
            self._settle(order_id, SubmissionState.UNSURE, str(error))
        elif self._shop.order(order_id).is_cancelled and not submission.acceptances:
            self._settle(order_id, SubmissionState.NOT_SENT, str(error))
        else:
            self._settle(order_id, SubmissionState.FAILED, str(error))

    def _settle(self, order_id: int, state: SubmissionState, reason: str) -> None:
        self._shop.set_submission(
            order_id, replace(self._shop.submission(order_id), state=state, reason=reason)
        )
