"""Webhooks out of Infigo (Academy 1951): Immediate, or Delayed and then several rows in one body.

The envelope has been seen in use; the action and entity names and the shape of a GET are a GUESS.
"""

from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from countermand.simulators.infigo.events import Action, Event
from countermand.simulators.infigo.settings import Webhook
from countermand.simulators.infigo.shop import Shop
from countermand.simulators.kit import Message

ENTITY = "OrderLineItem"


def hook_messages(hook: Webhook, events: Iterable[Event], shop: Shop) -> list[Message]:
    """Return what one webhook sends about some events: one message for each action among them."""
    jobs: dict[Action, dict[str, None]] = {}
    for event in events:
        jobs.setdefault(event.action, {}).update(dict.fromkeys(event.job_ids))
    return [_message(hook, action, list(job_ids), shop) for action, job_ids in jobs.items()]


def _message(hook: Webhook, action: Action, job_ids: list[str], shop: Shop) -> Message:
    kind = f"webhook {action}"
    if hook.method == "GET":
        query = urlencode({"action": action, "entity": ENTITY, "id": ",".join(job_ids)})
        joint = "&" if "?" in hook.url else "?"
        return Message(url=f"{hook.url}{joint}{query}", method="GET", kind=kind)
    body = {
        "webhook": {"action": action, "entity": ENTITY},
        "data": [_row(job_id, shop) for job_id in job_ids],
    }
    return Message(
        url=hook.url,
        headers={"Content-Type": "application/json"},
        body=msgspec.json.encode(body),
        kind=kind,
    )


def _row(job_id: str, shop: Shop) -> dict[str, object]:
    line = shop.line(job_id)
    return {
        "Id": line.job_id,
        "OrderId": line.order_id,
        "CustomerId": shop.order(line.order_id).customer_id,
        "Status": int(line.status),
    }
