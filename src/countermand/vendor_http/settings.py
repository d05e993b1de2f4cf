"""What the settings of both vendors have in common: secrets that never show, and a table for the docs."""

from __future__ import annotations

import ipaddress
import string
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import inspect


def setting(
    description: str,
    *,
    guess: bool = False,
    secret: bool = False,
    least: float | None = None,
    most: float | None = None,
) -> msgspec.Meta:
    """What one setting is for; `guess` marks a default that no public page of the vendor confirms."""
    return msgspec.Meta(description=description, extra={"guess": guess, "secret": secret}, ge=least, le=most)


class VendorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a vendor's settings: its `repr` shows no secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._shown())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return list(self._shown())

    def _shown(self) -> Iterator[tuple[str, object]]:
        hidden = secret_fields(type(self))
        for name in self.__struct_fields__:
            value = getattr(self, name)
            yield name, "***" if name in hidden and value else value

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that is set, for masking."""
        values = (getattr(self, name) for name in sorted(secret_fields(type(self))))
        return tuple(value for value in values if value)


class SettingRow(msgspec.Struct, frozen=True):
    """One setting as the docs and the console show it."""

    name: str
    default: str
    description: str
    guess: bool
    secret: bool


@cache
def secret_fields(settings: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(row.name for row in describe(settings) if row.secret)


def describe(settings: type[msgspec.Struct], prefix: str = "") -> tuple[SettingRow, ...]:
    """Every setting, those of nested structs as `outer.inner`.

    Raises:
        TypeError: a setting has no description.
    """
    return tuple(_describe(settings, prefix))


def settings_table(settings: type[msgspec.Struct]) -> str:
    """All settings as a Markdown table."""
    lines = ["| setting | default | what it does | |", "|---|---|---|---|"]
    for row in describe(settings):
        marks = ", ".join(mark for mark, on in (("guess", row.guess), ("secret", row.secret)) if on)
        lines.append(f"| `{row.name}` | `{row.default}` | {row.description} | {marks} |")
    return "\n".join(lines) + "\n"


def _describe(settings: type[msgspec.Struct], prefix: str) -> Iterator[SettingRow]:
    struct = inspect.type_info(settings)
    assert isinstance(struct, inspect.StructType)
    for field in struct.fields:
        if isinstance(field.type, inspect.StructType):
            yield from _describe(field.type.cls, f"{prefix}{field.name}.")
            continue
        meta = field.type
        if not isinstance(meta, inspect.Metadata) or not (meta.extra_json_schema or {}).get("description"):
            raise TypeError(f"The setting {prefix}{field.name} has no description")
        extra = meta.extra or {}
        yield SettingRow(
            name=prefix + field.name,
            default=_shown(field),
            description=str((meta.extra_json_schema or {})["description"]),
            guess=bool(extra.get("guess")),
            secret=bool(extra.get("secret")),
        )


def _shown(field: inspect.Field) -> str:
    if field.default is msgspec.NODEFAULT:
        return "required" if field.default_factory is msgspec.NODEFAULT else "empty"
    return msgspec.json.encode(field.default).decode()


def check_base_url(base_url: str) -> None:
    """Refuse an address that a client must not send secrets to.

    Raises:
        ValueError: no host, credentials in the address, a query, or plain http to another machine.
    """
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"base_url must look like https://shop.example.com, not {base_url!r}")
    if base_url != "".join(base_url.split()):
        raise ValueError("base_url has a blank in it; an address has none")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("base_url must be a plain address, without a user name, a query or a fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError(f"base_url must start with https, since {parts.hostname} is not this machine")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_template(name: str, template: str, allowed: frozenset[str]) -> None:
    """Refuse an address template that could not be filled in.

    Raises:
        ValueError: a placeholder that is not among the allowed ones.
    """
    try:
        used = {field for _, field, _, _ in string.Formatter().parse(template) if field is not None}
    except ValueError as error:
        raise ValueError(f"{name} is not a template: {error}") from None
    if unknown := used - allowed:
        raise ValueError(f"{name} may use {sorted(allowed)}, not {sorted(unknown)}")


def check_path(name: str, path: str) -> None:
    """Refuse a path that is a whole address: calls go to the host of base_url and to no other.

    Raises:
        ValueError: it does not begin with one slash.
    """
    if path and (not path.startswith("/") or path.startswith("//")):
        raise ValueError(f"{name} must be a path on the host of base_url, such as /services/x, not {path!r}")


def check_secret(name: str, value: str) -> None:
    """Refuse a secret that cannot travel in an HTTP header, without showing it.

    Raises:
        ValueError: it holds a blank at either end, a control character or a non-ASCII character.
    """
    if value != value.strip() or not value.isascii() or not value.isprintable():
        raise ValueError(f"{name} holds characters that no such key has; was it copied whole and alone?")
