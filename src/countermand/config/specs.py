"""What the set-up file may say: every setting with its type, default, limits and meaning.

One list for the reader, the sample and the docs page, so that none of them can fall behind. Vendor settings
describe themselves; the core's rules know nothing of files, so their words are kept in `words`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from countermand.bridge.connection import Polling
from countermand.config.model import (
    PRODUCTION,
    ConnectionTable,
    DestinationTable,
    HookTokens,
    PersonTable,
    Server,
    SignInTable,
)
from countermand.config.words import POLLING_WORDS, RULE_WORDS, Words
from countermand.infigo import InfigoSettings
from countermand.printiq import PrintIQSettings


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """One setting. `default` is `NODEFAULT` where one has to be given; `inner` makes it a table."""

    name: str
    kind: Any
    default: Any = NODEFAULT
    description: str = ""
    guess: bool = False
    secret: bool = False
    least: timedelta | float | None = None
    most: timedelta | float | None = None
    inner: tuple[Spec, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is NODEFAULT


def specs_of(struct: type[msgspec.Struct]) -> tuple[Spec, ...]:
    """The settings that make up a struct which describes itself, in order.

    Raises:
        TypeError: a setting has no description.
    """
    return tuple(map(_described, msgspec.structs.fields(struct)))


def worded(defaults: msgspec.Struct, words: Mapping[str, Words]) -> tuple[Spec, ...]:
    """The settings of a struct that says nothing about itself.

    Raises:
        TypeError: `words` lack a setting.
    """
    fields = msgspec.structs.fields(defaults)
    if missing := [field.name for field in fields if field.name not in words]:
        raise TypeError(f"The setting {missing[0]} has no description")
    return tuple(
        Spec(
            name=field.name,
            kind=field.type,
            default=getattr(defaults, field.name),
            description=words[field.name].description,
            least=words[field.name].least,
            most=words[field.name].most,
        )
        for field in fields
    )


def _described(field: msgspec.structs.FieldInfo) -> Spec:
    default = field.default
    if default is NODEFAULT and field.default_factory is not NODEFAULT:
        default = field.default_factory()
    kind = inspect.type_info(field.type)
    if isinstance(kind, inspect.StructType):
        return Spec(name=field.name, kind=field.type, default=default, inner=specs_of(field.type))
    if not isinstance(kind, inspect.Metadata):
        raise TypeError(f"The setting {field.name} has no description")
    extra = kind.extra or {}
    return Spec(
        name=field.name,
        kind=field.type,
        default=default,
        description=str((kind.extra_json_schema or {})["description"]),
        guess=bool(extra.get("guess")),
        secret=bool(extra.get("secret")),
        least=getattr(kind.type, "ge", None),
        most=getattr(kind.type, "le", None),
    )


SERVER = specs_of(Server)
SIGN_IN = specs_of(SignInTable)
PERSON = specs_of(PersonTable)
TELL = specs_of(DestinationTable)
INFIGO = specs_of(InfigoSettings)
PRINTIQ = specs_of(PrintIQSettings)
CONNECTION = specs_of(ConnectionTable)
HOOK_TOKENS = specs_of(HookTokens)
RULES = worded(PRODUCTION, RULE_WORDS)
POLLING = worded(Polling(), POLLING_WORDS)
