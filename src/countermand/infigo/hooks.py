"""Infigo's webhooks as hints.

The envelope has been seen (`{"webhook": {"action", "entity"}, "data": [rows]}`); action names, signature
and ordering are not documented, so a hook only says which order or line is worth reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from countermand.bridge.ports import Hint, UnreadableHookError
from countermand.core.status import Side
from countermand.vendor_http.bodies import BodyError, decode_json
from countermand.vendor_http.fields import as_text, pick

_ORDER_ID = re.compile(r"[1-9][0-9]{0,14}")
#: A job id is a type letter and a number (Academy 1873).
_LINE_ID = re.compile(r"[A-Za-z][0-9]{1,18}")
MOST_ROWS = 10_000


def parse_hook(body: bytes, content_type: str) -> tuple[Hint, ...]:
    """What a webhook says is worth looking at: one hint per order, or per line whose order is not named.

    Raises:
        UnreadableHookError: the body is not JSON, or names neither an order nor a line.
    """
    try:
        value = decode_json(body, content_type)
    except BodyError as error:
        raise UnreadableHookError(str(error)) from None
    rows = _rows(value)
    claim = _claim(value)
    hints = {(hint.order_id, hint.line_id): hint for row in rows for hint in _hints(row, claim)}
    if not hints:
        raise UnreadableHookError("The hook names neither an order number nor a line id such as s1234")
    return tuple(hints.values())


def _rows(value: object) -> list[object]:
    if not isinstance(value, Mapping):
        raise UnreadableHookError("The hook is not a JSON object with webhook and data")
    data = pick(value, "data")
    if isinstance(data, Mapping):
        return [data]
    if not isinstance(data, list):
        raise UnreadableHookError("The hook has no list called data")
    if len(data) > MOST_ROWS:
        raise UnreadableHookError(f"The hook has {len(data)} rows, more than {MOST_ROWS}")
    return data


def _claim(value: object) -> str:
    named = (as_text(pick(value, f"webhook.{name}")) for name in ("action", "entity"))
    return " ".join(part for part in named if part)[:100]


def _hints(row: object, claim: str) -> Iterator[Hint]:
    own_id, order_id = as_text(pick(row, "Id")), as_text(pick(row, "OrderId"))
    status = as_text(pick(row, "Status"))[:60]
    claims = f"{claim} status {status}".strip() if status else claim
    if _ORDER_ID.fullmatch(order_id):
        yield Hint(side=Side.STOREFRONT, order_id=order_id, claims=claims)
    elif _LINE_ID.fullmatch(own_id):
        yield Hint(side=Side.STOREFRONT, line_id=own_id, claims=claims)
    elif _ORDER_ID.fullmatch(own_id):
        yield Hint(side=Side.STOREFRONT, order_id=own_id, claims=claims)
