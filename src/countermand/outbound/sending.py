"""One message to one destination, once."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import urlsplit

import httpx2 as httpx
import msgspec

from countermand.outbound.destination import Destination
from countermand.outbound.signing import signed

#: For the whole of an attempt, however many bytes come meanwhile.
TIMEOUT_SECONDS = 15.0


def client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Proxies and .netrc from the environment would carry messages to hosts that nobody configured."""
    return httpx.AsyncClient(
        transport=transport, timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
    )


async def send(
    http: httpx.AsyncClient, destination: Destination, message_id: str, message: object, now: datetime
) -> str:
    """Why it did not arrive, in one sentence; empty when it was answered with 2xx.

    Of the address only the host is said: the rest of it is often what lets somebody in.
    """
    body = msgspec.json.encode(message)
    headers = signed(destination.secret, message_id, int(now.timestamp()), body)
    host = urlsplit(destination.url).hostname
    headers["content-type"] = "application/json"
    try:
        # Its words are not read: they mean nothing here, and may be slow and without end.
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            http.stream("POST", destination.url, content=body, headers=headers) as answer,
        ):
            pass
    except TimeoutError:
        return f"{host} did not answer within {TIMEOUT_SECONDS:g} s"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{host} could not be reached ({type(error).__name__})"
    return "" if answer.is_success else f"{host} answered with HTTP {answer.status_code}"
