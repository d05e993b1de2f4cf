"""Raw text made comparable: column names and status labels as plain lower-case words."""

from __future__ import annotations

import re

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_SEPARATORS = re.compile(r"[^\w#]+|_+")
_WHOLE_FLOAT = re.compile(r"^(\d+)\.0+$")


def words(raw: str) -> str:
    """`NotYetShipped`, `Not Yet Shipped` and `NOT_YET_SHIPPED` are all `not yet shipped`; 17.0 is `17`."""
    text = raw.strip().lstrip("\ufeff")
    whole = _WHOLE_FLOAT.match(text)
    if whole:
        return whole.group(1)
    if not text.isupper():
        text = _CAMEL.sub(" ", text)
    return _SEPARATORS.sub(" ", text).strip().casefold()
