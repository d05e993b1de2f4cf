"""The settings as the docs page and the console show them: tables in Markdown, made from the code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from countermand.config.exceptions import MATCHERS, OVERRIDABLE
from countermand.config.specs import (
    CONNECTION,
    HOOK_TOKENS,
    INFIGO,
    PERSON,
    POLLING,
    PRINTIQ,
    RULES,
    SERVER,
    SIGN_IN,
    TELL,
    Spec,
)
from countermand.config.values import expected, show_default
from countermand.core.rules import BY_DIRECTION, MODE_SETTINGS

_HEAD = "| setting | default | what it takes | what it does | |\n|---|---|---|---|---|\n"
_FROM_OUTSIDE = 'from `{ env = "NAME" }` or `{ file = "path" }`'


def reference() -> Mapping[str, str]:
    """Every table of settings, by the table of the file that it is about."""
    return {
        "countermand": settings_table(SERVER),
        "sign_in": settings_table(SIGN_IN),
        'sign_in.people."LOGIN"': settings_table(PERSON),
        "tell.NAME": settings_table(TELL),
        "infigo.NAME": settings_table(INFIGO),
        "printiq.NAME": settings_table(PRINTIQ),
        "connections.NAME": settings_table(CONNECTION),
        "connections.NAME.hook_tokens": settings_table(HOOK_TOKENS),
        "connections.NAME.rules": settings_table(RULES),
        "connections.NAME.polling": settings_table(POLLING),
        "connections.NAME.when": settings_table(MATCHERS) + _what_may_differ(),
    }


def settings_table(specs: tuple[Spec, ...]) -> str:
    """One row per setting; those of an inner table as `table.setting`."""
    return _HEAD + "".join(_rows("", specs))


def _rows(prefix: str, specs: tuple[Spec, ...]) -> Iterator[str]:
    for spec in specs:
        if spec.inner:
            yield from _rows(f"{prefix}{spec.name}.", spec.inner)
        else:
            takes = _FROM_OUTSIDE if spec.secret else expected(spec)
            cells = (f"`{prefix}{spec.name}`", _default(spec), takes, spec.description, _mark(spec))
            yield f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def _default(spec: Spec) -> str:
    if spec.required:
        return "required"
    if spec.secret or show_default(spec) == '""':
        return "none"
    return f"`{show_default(spec)}`"


def _mark(spec: Spec) -> str:
    return ", ".join(mark for mark, on in (("guess", spec.guess), ("secret", spec.secret)) if on)


def _what_may_differ() -> str:
    names = [spec.name for spec in OVERRIDABLE]
    plain = ", ".join(f"`{name}`" for name in names if name not in MODE_SETTINGS)
    directed = ", ".join(f"`{name}`" for name in names if name in BY_DIRECTION)
    return f"\nThe rules that an exception may set beside `mode`: {plain}. With a `direction`: {directed}.\n"
