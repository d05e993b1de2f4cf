"""The first `countermand.toml`: every setting with its default and what it means, generated from the code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from countermand.config.exceptions import MATCHERS
from countermand.config.keys import variable_name
from countermand.config.specs import (
    CONNECTION,
    HOOK_TOKENS,
    INFIGO,
    POLLING,
    PRINTIQ,
    RULES,
    SERVER,
    SIGN_IN,
    Spec,
)
from countermand.config.values import show_default

_WIDTH = 100
#: What stands for settings that have no default; the rest of the file is true as it is.
_EXAMPLES = {
    "infigo.shop.base_url": '"https://shop.example.com"',
    "printiq.plant.base_url": '"https://plant.example.com"',
    "printiq.plant.username": '"countermand"',
    "printiq.plant.application_name": '"Countermand"',
    "connections.main.storefront": '"shop"',
    "connections.main.mis": '"plant"',
}

_HEAD = """\
# Countermand: which systems to keep in step, and by which rules.
#
# A line that begins with "#" and a setting shows its default: take the "#" away to change it. "Guess" marks a
# default that no public page of the vendor confirms; `countermand check` tells which of them do not fit.
# Durations are texts: "10 s", "5 min", "3 days". What each setting means in full: docs/configuration.md.
#
# No secret stands in this file. Each one is named by where it is: { env = "NAME" } takes it from the
# environment, { file = "path" } from a file of its own. Countermand stores no secret anywhere.
#
# A running `countermand serve` takes over changes within seconds; what is not valid is refused as a whole,
# and the old set-up goes on. [countermand] itself is read at the start only.
"""

_SIGN_IN = """\
# Where people sign in at a web server in front, and what each may do: docs/set-up.md."""
_PEOPLE = """\
#   [sign_in.people."priya@example.com"]  # as the header says it
#   name = "Priya Shah"
#   role = "approver"                     # or viewer, operator, admin
"""
_TELL = """\
# Programs that are told what happens, such as a task that needs a person; as many as needed. Messages are
# signed by the Standard Webhooks specification: docs/events.md.
#   [tell.desk]
#   url = "https://hooks.example.com/countermand"
#   secret = { env = "COUNTERMAND_TELL_DESK_SECRET" }
"""
_INFIGO = """\
# One storefront. "shop" is a name of your choice; repeat the table under another name for a further one."""
_PRINTIQ = """\
# One printIQ instance. One of them may serve several storefronts, each by a connection of its own."""
_CONNECTION = """\
# Which two systems are kept in step. Repeat with another name for a further pair."""
_HOOKS = """\
# Messages make changes arrive at once; without them everything works too, at the pace of polling.
# The address in Infigo is https://YOUR-HOST/hooks/storefront/TOKEN, in printIQ https://YOUR-HOST/hooks/mis/TOKEN.
# To make a token: python3 -c "import secrets; print(secrets.token_urlsafe(24))\""""
_RULES = """\
# What happens by itself. All is "manual" until you say otherwise: a task for a person, with its steps.
# observe: decide and record, write nothing. assisted: a task with one button. automatic: by itself, under
# the guards below."""
_POLLING = """\
# How often to look without having been told."""
_WHEN = """\
# Exceptions, as many as needed: for the orders that match, these settings differ from the rules above. The
# most specific one wins, setting by setting: customer before product, product before direction. Beside `mode`
# each may set the rules that docs/configuration.md lists."""
_WHEN_EXAMPLE = """\
# [[connections.main.when]]
# name = "trade customers"
# customer = ["1042", "1077"]
# product = "print"
# direction = "cancel_to_mis"
# mode = "automatic"
# undo_window = "30 min"
"""


def sample() -> str:
    """The text of the sample: valid as it is, once its secrets are in the environment."""
    return "\n".join(
        [
            _HEAD,
            _table("countermand", "", SERVER),
            _table("sign_in", _SIGN_IN, SIGN_IN) + _PEOPLE,
            _TELL,
            _table("infigo.shop", _INFIGO, INFIGO),
            _table("printiq.plant", _PRINTIQ, PRINTIQ),
            _table("connections.main", _CONNECTION, CONNECTION),
            _table("connections.main.hook_tokens", _HOOKS, HOOK_TOKENS),
            _table("connections.main.rules", _RULES, RULES),
            _table("connections.main.polling", _POLLING, POLLING),
            f"{_WHEN}\n{''.join(_meanings())}{_WHEN_EXAMPLE}",
        ]
    )


def _table(name: str, head: str, specs: tuple[Spec, ...]) -> str:
    head = f"{head}\n" if head else ""
    return f"{head}[{name}]\n" + "".join(_settings(name, "", specs))


def _settings(table: str, prefix: str, specs: tuple[Spec, ...]) -> Iterator[str]:
    for spec in specs:
        if spec.inner:
            yield from _settings(table, f"{prefix}{spec.name}.", spec.inner)
        else:
            yield _comment(spec) + _line(f"{table}.{prefix}{spec.name}", f"{prefix}{spec.name}", spec)


def _comment(spec: Spec) -> str:
    text = f"{'Guess. ' if spec.guess else ''}{spec.description}"
    paragraphs = (textwrap.wrap(part, _WIDTH, break_on_hyphens=False) for part in text.split("\n"))
    return "".join(f"# {line}\n" for lines in paragraphs for line in lines)


def _line(place: str, name: str, spec: Spec) -> str:
    if spec.secret:
        line = f'{name} = {{ env = "{variable_name(place)}" }}'
    else:
        line = f"{name} = {_EXAMPLES[place] if spec.required else show_default(spec)}"
    return f"{line}\n" if spec.required else f"# {line}\n"


def _meanings() -> Iterator[str]:
    for spec in MATCHERS:
        yield from (
            f"{line}\n"
            for line in textwrap.wrap(
                f"{spec.name}: {spec.description}", _WIDTH, initial_indent="#   ", subsequent_indent="#     "
            )
        )
