"""Reading a body as text or JSON, with one clear sentence when it is neither."""

from __future__ import annotations

import codecs
import re

import msgspec

_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:+-]{1,40})", re.IGNORECASE)


class BodyError(ValueError):
    """A body that is not what it should be; the text is a sentence about why."""


def declared_charset(content_type: str) -> str:
    """The encoding that a content type declares; empty for none."""
    declared = _CHARSET.search(content_type)
    return declared.group(1) if declared else ""


def decode_text(body: bytes, content_type: str) -> str:
    """The body as text: UTF-8 unless the content type declares another encoding.

    Raises:
        BodyError: an unknown encoding was declared, or the bytes are not of the encoding.
    """
    encoding = declared_charset(content_type) or "utf-8"
    try:
        if codecs.lookup(encoding).name == "utf-8":
            return body.decode("utf-8-sig").removeprefix("\ufeff")
        text = body.decode(encoding)
        text.encode()  # some encodings can spell halves of characters, which are no text
    except LookupError:
        raise BodyError(f"The content type declares the encoding {encoding!r}, which is not known") from None
    except UnicodeDecodeError as error:
        raise BodyError(
            f"The body is not {encoding} text: byte 0x{body[error.start]:02x} at position {error.start}"
        ) from None
    except UnicodeError:
        raise BodyError(f"The body is not {encoding} text") from None
    return text.removeprefix("\ufeff")


def decode_json(body: bytes, content_type: str) -> object:
    """The body as a JSON value.

    Raises:
        BodyError: the body is empty, is not text, is markup, or is not JSON.
    """
    text = decode_text(body, content_type)
    if not text.strip():
        raise BodyError("The body is empty")
    if looks_like_markup(text):
        raise BodyError("The body is markup (HTML or XML), not JSON")
    try:
        value: object = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise BodyError(f"The body is not JSON: {error}") from None
    except RecursionError:
        raise BodyError("The body is JSON nested too deeply") from None
    return value


def looks_like_markup(text: str) -> bool:
    return text.lstrip()[:1] == "<"
