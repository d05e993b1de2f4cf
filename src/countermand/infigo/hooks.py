"""Infigo's webhooks as hints.

The envelope has been seen (`{"webhook": {"action", "entity"}, "data": [rows]}`); action names, signature
and ordering are not documented, so a hook only says which order or line is worth reading.

A shop may choose GET (Academy 1951); the query is then the message. What stands in it is a guess, so its
names are settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl

from countermand.bridge.ports import Hint, UnreadableHookError
from countermand.core.status import Side
from countermand.infigo.settings import QueryNames
from countermand.vendor_http.bodies import BodyError, decode_json, decode_text
from countermand.vendor_http.fields import as_text, pick

_ORDER_ID = re.compile(r"[1-9][0-9]{0,14}")
#: A job id is a type letter and a number (Academy 1873).
_LINE_ID = re.compile(r"[A-Za-z][0-9]{1,18}")
MOST_ROWS = 10_000
#: Callers that set no content type of their own often send JSON under that of a query.
_JSON = re.compile(rb"(\xef\xbb\xbf)?\s*[{\[]")
#: How a query travels, as the body of a message and as its address.
_QUERY = "application/x-www-form-urlencoded"


def parse_hook(body: bytes, content_type: str, names: QueryNames | None = None) -> tuple[Hint, ...]:
    """What a webhook says is worth looking at: one hint per order, or per line whose order is not named.

    `names`: of the parameters, when the message is a query.

    Raises:
        UnreadableHookError: the body is neither JSON nor a query, or names neither an order nor a line.
    """
    if content_type.partition(";")[0].strip().lower() == _QUERY and not _JSON.match(body):
        return _from_query(body, content_type, names or QueryNames())
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


def _from_query(body: bytes, content_type: str, names: QueryNames) -> tuple[Hint, ...]:
    """As the rows of a body: order numbers where they are given, else what the lines' ids say."""
    pairs = _pairs(body, content_type)
    ids = _listed(pairs, names.order) or _listed(pairs, names.line)
    if len(ids) > MOST_ROWS:
        raise UnreadableHookError(f"The query has {len(ids)} ids, more than {MOST_ROWS}")
    claim = " ".join(_values(pairs, names.claim))[:100]
    hints = dict.fromkeys(hint for one in ids for hint in _hints({"Id": one}, claim))
    if not hints:
        named = ", ".join(dict.fromkeys(name for name, _ in pairs))[:100]
        raise UnreadableHookError(
            "The query names neither an order number nor a line id such as s1234; "
            + (f"its parameters are {named}" if named else "it has no parameters")
        )
    return tuple(hints)


def _pairs(body: bytes, content_type: str) -> list[tuple[str, str]]:
    try:
        query = decode_text(body, content_type).strip().removeprefix("?")
    except BodyError as error:
        raise UnreadableHookError(str(error)) from None
    if not query:
        raise UnreadableHookError("The query is empty")
    try:
        return parse_qsl(query, keep_blank_values=True, max_num_fields=2 * MOST_ROWS)
    except ValueError:
        raise UnreadableHookError(f"The query has more than {2 * MOST_ROWS} parameters") from None


def _listed(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[str]:
    """Each id once; several stand in one value with commas, or under the same name again."""
    values = ",".join(_values(pairs, names)).split(",")
    return list(dict.fromkeys(one for value in values if (one := value.strip())))


def _values(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[str]:
    lowered = {name.lower() for name in names}
    return [value for name, value in pairs if name.lower() in lowered and value]


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
