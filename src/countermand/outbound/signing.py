"""Signatures by the Standard Webhooks specification, so that receivers need no code of ours to check one.

https://www.standardwebhooks.com: HMAC-SHA256 over id, time and body, with a key that both sides keep.
"""

from __future__ import annotations

import base64
import binascii
import hmac

_PREFIX = "whsec_"
#: Bytes of a key, as the specification asks.
LEAST_KEY, MOST_KEY = 24, 64


def key_of(secret: str) -> bytes:
    """The key in a secret such as `whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.

    Raises:
        ValueError: it is none, in words that do not repeat it.
    """
    if not secret.startswith(_PREFIX):
        raise ValueError(f"must begin with {_PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"must be base64 behind {_PREFIX}") from None
    if not LEAST_KEY <= len(key) <= MOST_KEY:
        raise ValueError(f"must hold a key of {LEAST_KEY} to {MOST_KEY} bytes")
    return key


def signed(secret: str, message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers of one message. `seconds`: when this attempt is made, since 1970."""
    content = f"{message_id}.{seconds}.".encode() + body
    signature = base64.b64encode(hmac.digest(key_of(secret), content, "sha256")).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{signature}",
    }
