"""Rules: what happens by itself, within which limits, and the decision table as something to explore."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from countermand.app import Running
from countermand.bridge.stopping import CANCELS
from countermand.config.specs import RULES
from countermand.config.values import show_value
from countermand.core.policy import Direction
from countermand.core.status import UNSEEN, Facts, Intent, LineStatus, Progress
from countermand.core.table import ROWS, Decision, Row, decide
from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.web import words
from countermand.web.order_view import names_of
from countermand.web.pages import service_of, show
from countermand.web.problem import Problem
from countermand.web.shops import shown_of
from countermand.web.tables import Flat, rows_response, wanted_format
from countermand.web.words import Names

_P = Progress
#: The states that each system really shows, in the order of an order's life.
STOREFRONT_STATES: tuple[LineStatus, ...] = (
    Facts(Intent.OPEN, _P.NONE),
    Facts(Intent.OPEN, _P.PART_DISPATCHED),
    Facts(Intent.OPEN, _P.DISPATCHED),
    Facts(Intent.CANCELLED, _P.NONE),
    Facts(Intent.CANCELLED, _P.PART_DISPATCHED),
    Facts(Intent.CANCELLED, _P.DISPATCHED),
)
MIS_STATES: tuple[LineStatus, ...] = (
    UNSEEN,
    *(Facts(Intent.OPEN, progress) for progress in Progress),
    *(Facts(Intent.HELD, progress) for progress in (_P.NONE, _P.STARTED, _P.PRODUCED)),
    *(Facts(Intent.CANCELLED, progress) for progress in Progress),
)

#: What each decision is called, its icon and its colour.
DECISIONS: dict[Decision, tuple[str, str, str]] = {
    Decision.IN_STEP: ("In step", "equal", "good"),
    Decision.CANCEL_IN_MIS: ("Cancel it in {mis}", "cancel", "go"),
    Decision.CANCEL_IN_STOREFRONT: ("Cancel it in {storefront}", "cancel", "go"),
    Decision.SHIP: ("Mark it shipped in {storefront}", "moving", "go"),
    Decision.SHIP_PART: ("Mark it partly shipped, or wait", "moving", "go"),
    Decision.ASK: ("Ask a person", "person", "warn"),
    Decision.WAIT: ("Wait", "clock", "quiet"),
    Decision.NOT_OURS: ("Not ours", "eye", "quiet"),
}
_WAYS = {
    Decision.CANCEL_IN_MIS: Direction.CANCEL_TO_MIS,
    Decision.CANCEL_IN_STOREFRONT: Direction.CANCEL_TO_STOREFRONT,
    Decision.SHIP: Direction.SHIP_TO_STOREFRONT,
    Decision.SHIP_PART: Direction.SHIP_TO_STOREFRONT,
}


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the table says to one pair of states, in plain words."""

    storefront: str
    mis: str
    decision: str
    icon: str
    tone: str
    why: str
    rule: str
    then: str
    modes: tuple[tuple[str, str, str], ...] = ()


def rules(request: Request) -> Response:
    """Modes, limits, exceptions, and the table; the address may pick two states."""
    service, asked = service_of(request), request.query_params
    shops = shown_of(request, service)
    running = shops.connections
    names = names_of(running[0] if running else None)
    if wanted_format(request) != "html":
        return rows_response(request, "decisions", [_flat(row, names) for row in ROWS], "")
    storefront = _state(asked.get("storefront", "cancelled/none"), STOREFRONT_STATES)
    mis = _state(asked.get("mis", "open/started"), MIS_STATES)
    with service.engine.begin() as database:
        return show(
            request,
            "rules.html",
            database,
            answer=answer(storefront, mis, names, running),
            storefront_states=[str(state) for state in STOREFRONT_STATES],
            mis_states=[str(state) for state in MIS_STATES],
            cells={
                (str(one), str(other)): answer(one, other, names, ())
                for one in STOREFRONT_STATES
                for other in MIS_STATES
            },
            shops=shops,
            policies=[(one, _modes(one), _limits(one)) for one in running],
            rows=[_flat(row, names) for row in ROWS],
        )


def _state(text: str, known: Sequence[LineStatus]) -> LineStatus:
    for state in known:
        if str(state) == text:
            return state
    raise Problem(400, f"There is no state “{text[:40]}” to explore.")


def answer(storefront: LineStatus, mis: LineStatus, names: Names, running: Sequence[Running]) -> Answer:
    """The row for two states, and what each connection would make of it."""
    row = decide(storefront, mis)
    label, icon, tone = DECISIONS[row.decision]
    way = _WAYS.get(row.decision)
    if way in CANCELS and isinstance(mis, Facts) and mis.progress is not Progress.NONE:
        return _past_cut_off(row, storefront, mis, names)
    return Answer(
        storefront=str(storefront),
        mis=str(mis),
        decision=label.format(storefront=names.storefront, mis=names.mis),
        icon=icon,
        tone="stop" if row.task is not None and TASK_TYPES[row.task].urgency.rank == 0 else tone,
        why=names.named(row.why),
        rule=row.rule,
        then=names.task(row.task) if row.task else "",
        modes=tuple((one.settings.name, *words.MODES[one.settings.policy.mode(way)]) for one in running)
        if way
        else (),
    )


def _past_cut_off(row: Row, storefront: LineStatus, mis: Facts, names: Names) -> Answer:
    """The table would pass the cancel on; the cut-off comes before every mode, and hands it to a person."""
    label, icon, tone = DECISIONS[Decision.ASK]
    return Answer(
        storefront=str(storefront),
        mis=str(mis),
        decision=label,
        icon=icon,
        tone=tone,
        why=f"{names.named(row.why)} {names.why('cut-off')}",
        rule=row.rule,
        then=names.task(TaskKind.PAST_CUT_OFF),
    )


def _flat(row: Row, names: Names) -> Flat:
    return {
        "rule": row.rule,
        "storefront": pattern(row.storefront, "storefront"),
        "mis": pattern(row.mis, "mis"),
        "decision": DECISIONS[row.decision][0].format(storefront=names.storefront, mis=names.mis),
        "task": names.task(row.task) if row.task else "",
        "why": names.named(row.why),
    }


def pattern(text: str, side: str) -> str:
    """A pattern of the table (`open|held/none`) in plain words."""
    if text == "*":
        return "anything"
    if "/" not in text:
        return words.status(text, side)
    intents, progresses = text.split("/")
    intent = "any" if intents == "*" else " or ".join(_INTENTS[each] for each in intents.split("|"))
    if progresses == "*":
        return words.sentence(f"{intent}, however far" if intent != "any" else "anything but not found")
    far = " or ".join(words.status(f"open/{each}", side).lower() for each in progresses.split("|"))
    return words.sentence(f"{intent}: {far}" if intent != "any" else far)


_INTENTS = {"open": "open", "held": "on hold", "cancelled": "cancelled"}


def _modes(one: Running) -> list[tuple[str, str, str]]:
    names, policy = names_of(one), one.settings.policy
    return [(names.direction(way.value), *words.MODES[policy.mode(way)]) for way in Direction]


def _limits(one: Running) -> list[tuple[str, str, str]]:
    names, policy = names_of(one), one.settings.policy
    ways = {way.value for way in Direction}
    return [
        (
            _label(spec.name),
            show_value(spec, getattr(policy, spec.name)).strip('"'),
            names.named(_said(spec.description)),
        )
        for spec in RULES
        if spec.name not in ways
    ]


def _said(description: str) -> str:
    """The settings' own words, without the marks that the file's reader needs."""
    return description.replace("`", "")


#: What each limit is called; a test holds that none is missing.
LABELS = {
    "undo_window": "Time to take a cancel back",
    "vendor_grace": "Time for the vendor's own plug-in",
    "vendor_may_ship": "The plug-in passes dispatches on",
    "vendor_may_cancel": "The plug-in may pass cancels on",
    "brake_burst": "Brake: cancels at once",
    "brake_window": "Brake: counted over",
    "brake_daily": "Brake: cancels a day",
    "fresh_for": "Read again before a write after",
    "part_dispatch": "When part has left",
    "close_emptied_order": "When the last line is cancelled",
    "not_in_production_after": "Ask when not in production after",
    "unreadable_after": "Ask when unreadable for",
    "gone_after": "Ask when missing for",
    "request_expires_after": "A cancel nobody answers ends after",
    "value_limit": "Second person above",
    "opening_hours": "Opening hours",
}


def _label(name: str) -> str:
    return LABELS.get(name) or words.sentence(name.replace("_", " "))
