"""The part of `/_sim` that is the same on both simulators: faults, settings, calls, ledger, outbox."""

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from countermand.simulators.kit.calls import CallCounts
from countermand.simulators.kit.faults import FaultPlan, Faults
from countermand.simulators.kit.ledger import WriteLedger
from countermand.simulators.kit.outbox import Outbox
from countermand.simulators.kit.settings import S, SettingsBox, SettingsError

T = TypeVar("T")


def json_answer(value: object, status_code: int = 200) -> Response:
    """Answer with `value` as JSON."""
    return Response(msgspec.json.encode(value), status_code, media_type="application/json")


def sentence(text: str, status_code: int = 400) -> Response:
    """Answer an error as `{"error": text}`."""
    return json_answer({"error": text}, status_code)


class BodyError(ValueError):
    """A body that test control cannot use; the text says why."""


def read_body(body: bytes, kind: type[T]) -> T:
    """Decode a JSON body; an empty one counts as `{}`. Raises `BodyError`."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BodyError(str(error)) from error


def control_routes(
    *, ledger: WriteLedger, plan: FaultPlan, counts: CallCounts, outbox: Outbox, settings: SettingsBox[S]
) -> list[Route]:
    """Return the routes; the caller adds them only when test control is on."""

    async def show_ledger(_: Request) -> Response:
        return Response(ledger.to_json(), media_type="application/json")

    async def show_calls(_: Request) -> Response:
        return json_answer(counts.as_dict())

    async def show_outbox(_: Request) -> Response:
        return json_answer({"pending": outbox.pending, "attempts": outbox.attempts()})

    async def show_faults(_: Request) -> Response:
        return json_answer({"faults": plan.faults, "hits": plan.hits})

    async def put_faults(request: Request) -> Response:
        try:
            plan.replace(read_body(await request.body(), Faults))
        except BodyError as error:
            return sentence(f"The faults cannot be used: {error}.")
        return await show_faults(request)

    async def show_settings(_: Request) -> Response:
        return json_answer(settings.value)

    async def put_settings(request: Request) -> Response:
        try:
            settings.merge(read_body(await request.body(), dict[str, object]))
        except BodyError as error:
            return sentence(f"The settings must be a JSON object: {error}.")
        except SettingsError as error:
            return sentence(str(error))
        return await show_settings(request)

    return [
        Route("/_sim/ledger", show_ledger),
        Route("/_sim/calls", show_calls),
        Route("/_sim/outbox", show_outbox),
        Route("/_sim/faults", show_faults),
        Route("/_sim/faults", put_faults, methods=["PUT"]),
        Route("/_sim/settings", show_settings),
        Route("/_sim/settings", put_settings, methods=["PUT"]),
    ]
