"""`[connections.NAME]`: two systems by name, the rules between them, and the exceptions to the rules."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from countermand.app import ConnectionSettings
from countermand.bridge.connection import Polling
from countermand.config.document import Document, dotted
from countermand.config.durations import show_duration
from countermand.config.exceptions import read_exceptions
from countermand.config.lines import Place
from countermand.config.model import PRODUCTION
from countermand.config.problems import nearest
from countermand.config.specs import CONNECTION, HOOK_TOKENS, POLLING, RULES
from countermand.core.policy import Policy
from countermand.core.status import Side

_TABLES = ("hook_tokens", "rules", "polling", "when")
#: What may stand in an address as it is, and is long enough that nobody guesses it.
_TOKEN = re.compile(r"[A-Za-z0-9_.~-]{16,200}")


def read_connection(
    document: Document,
    name: str,
    values: Mapping[str, Any],
    storefronts: Mapping[str, Any],
    mises: Mapping[str, Any],
) -> tuple[ConnectionSettings, tuple[str, str]] | None:
    """One connection and the names of its storefront and its MIS; none when something is wrong with it."""
    place: Place = ("connections", name)
    before = len(document.problems)
    plain = {setting: value for setting, value in values.items() if setting not in _TABLES}
    own = document.read(place, plain, CONNECTION, also=_TABLES) or {}
    storefront = _system(document, place, "storefront", own, "infigo", storefronts)
    mis = _system(document, place, "mis", own, "printiq", mises)
    tokens = _hook_tokens(document, (*place, "hook_tokens"), values.get("hook_tokens", {}))
    policy = _policy(document, (*place, "rules"), values.get("rules", {}))
    polling = _polling(document, (*place, "polling"), values.get("polling", {}))
    overrides = read_exceptions(document, (*place, "when"), values.get("when", []))
    if len(document.problems) > before or storefront is None or mis is None:
        return None
    settings = ConnectionSettings(
        name=name,
        infigo=storefront,
        printiq=mis,
        policy=policy,
        polling=polling,
        overrides=overrides,
        live_since=own.get("live_since"),
        hook_tokens=tokens,
    )
    return settings, (own["storefront"], own["mis"])


def _system(
    document: Document,
    place: Place,
    setting: str,
    own: Mapping[str, Any],
    section: str,
    systems: Mapping[str, Any],
) -> Any | None:
    """The settings of the system that a connection names; none when it, or they, are wrong."""
    wanted = own.get(setting)
    if wanted is not None and wanted not in systems:
        says = f'connections.{place[-1]}.{setting} is "{wanted}", but there is no [{section}.{wanted}]'
        document.wrong((*place, setting), says + nearest(wanted, systems))
    return systems.get(wanted) if wanted is not None else None


def _hook_tokens(document: Document, place: Place, values: object) -> dict[Side, str]:
    found = document.read(place, document.table(place, values), HOOK_TOKENS) or {}
    for name, token in found.items():
        if not _TOKEN.fullmatch(token):
            document.wrong(
                (*place, name),
                f"{dotted((*place, name))} leads to a text that is no token for an address; it must be 16 "
                "to 200 letters, digits, -, _, . or ~ that nobody can guess",
            )
    return {Side(name): token for name, token in found.items()}


def _policy(document: Document, place: Place, values: object) -> Policy:
    found = document.read(place, document.table(place, values), RULES) or {}
    return msgspec.structs.replace(PRODUCTION, **found)


def _polling(document: Document, place: Place, values: object) -> Polling:
    found = document.read(place, document.table(place, values), POLLING) or {}
    polling = msgspec.structs.replace(Polling(), **found)
    if polling.slowest < polling.interval:
        slowest, interval = show_duration(polling.slowest), show_duration(polling.interval)
        name = dotted((*place, "slowest"))
        says = f'{name} is "{slowest}"; it must be at least the interval, "{interval}"'
        document.wrong((*place, "slowest"), says)
    return polling


def refuse_confusion(
    document: Document, connections: Sequence[ConnectionSettings], pairs: Mapping[str, tuple[str, str]]
) -> None:
    """Two connections that would do the same work, or messages that could come from either of two systems.

    Each is compared with what came before it, not with every other: a host has thousands.
    """
    twins: dict[object, str] = {}
    tokens: dict[tuple[Side, str], tuple[str, str]] = {}
    for one in connections:
        place: Place = ("connections", one.name)
        names = pairs[one.name]
        if (twin := twins.setdefault(_systems_of(one), one.name)) != one.name:
            addresses = "" if names == pairs[twin] else ": their addresses are the same"
            says = f"[{dotted(place)}] keeps the same two systems in step as [connections.{twin}]{addresses}"
            document.wrong(place, says)
        for side, own in zip(Side, names, strict=True):
            if (token := one.hook_tokens.get(side)) is None:
                continue
            system, twin = tokens.setdefault((side, token), (own, one.name))
            if system != own:
                inner = (*place, "hook_tokens", side.value)
                says = f"{dotted(inner)} is another system's token, that of [connections.{twin}]"
                document.wrong(inner, f"{says}: give each system its own")


def _systems_of(one: ConnectionSettings) -> object:
    """Which two systems these are, by whatever names the file calls them."""
    infigo = one.infigo
    return _address(infigo.base_url), infigo.storefront_id, infigo.token, _address(one.printiq.base_url)


def _address(base_url: str) -> str:
    return base_url.rstrip("/").casefold()
