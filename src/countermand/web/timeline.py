"""One timeline of everything about an order: messages, reads, answers, writes and people."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from countermand.bridge.case import Case, references
from countermand.bridge.store import ITSELF
from countermand.core.cancellation import CancellationState
from countermand.core.command import Change, Outcome
from countermand.core.events import Event
from countermand.core.policy import Direction
from countermand.core.tasks import TaskKind
from countermand.ledger import records, views
from countermand.ledger.journal import Body
from countermand.web import words
from countermand.web.words import Names

Writer = Callable[["Moment", Body, Names], "Moment"]

_BODY = msgspec.json.Decoder(Body)
#: A message counts as the reason for a look when it came at most so long before.
_MESSAGE_BEFORE = timedelta(seconds=90)
_MESSAGE_AFTER = timedelta(seconds=5)
_MOST_WINDOWS = 60
_MAIL = "mail"
_ALNUM = frozenset(string.ascii_letters + string.digits)


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. `raws`: where the answer or messages as received can be read, by name."""

    at: datetime
    icon: str
    tone: str
    who: str
    text: str
    more: str = ""
    about: str = ""
    raws: tuple[tuple[str, str], ...] = ()
    seq: int = 0
    chain: str = ""
    quiet: bool = False


def order_timeline(
    database: Connection, row: views.OrderRow, names: Names, task_ids: Sequence[int]
) -> list[Moment]:
    """Everything about one order, newest first."""
    subjects = [f"order/{row.order}", *(f"task/{task_id}" for task_id in task_ids)]
    entries = records.journal_about(database, row.connection, subjects)
    sightings = records.order_sightings(database, row.id)
    raw = {(seen.began_at, seen.side, seen.ref, seen.after): seen.id for seen in sightings if seen.raw}
    moments = [moment(entry, names, raw) for entry in entries]
    moments += _messages(database, row, names, [entry.at for entry in entries if entry.actor == ITSELF])
    moments.sort(key=lambda one: (one.at, one.seq))
    return list(reversed(_joined(moments)))


def task_timeline(database: Connection, row: views.TaskRow, names: Names) -> list[Moment]:
    """What people did about one task, newest first."""
    entries = records.journal_about(database, row.connection, [f"task/{row.id}"])
    return [moment(entry, names, {}) for entry in reversed(entries)]


def moment(
    entry: records.JournalRow, names: Names, raw: Mapping[tuple[datetime, str, str, str], int]
) -> Moment:
    """A journal entry in plain words."""
    body = _BODY.decode(entry.body)
    who = "" if entry.actor == ITSELF else entry.actor
    about = entry.subject.partition("/line/")[2] or body.extra.get("ref", "")
    base = Moment(
        at=entry.at,
        icon="check",
        tone="quiet",
        who=who,
        text=words.event(entry.event),
        more=body.why,
        about=about,
        seq=entry.seq,
        chain=entry.chain,
    )
    written = _WRITERS.get(entry.event, _plain)(base, body, names)
    seen = raw.get((entry.at, body.extra.get("side", ""), body.extra.get("ref", ""), body.after))
    if seen is not None:
        side = names.side(body.extra.get("side", ""))
        written = replace(written, raws=((f"/raw/answers/{seen}", f"{side}’s answer as received"),))
    return written


def _plain(base: Moment, _body: Body, _names: Names) -> Moment:
    return base


def _seen(base: Moment, body: Body, names: Names) -> Moment:
    side = names.side(body.extra.get("side", ""))
    name = body.extra.get("side", "mis")
    now = words.status(body.after, name)
    was = "" if body.before in ("", "unseen") else f"before: {words.status(body.before, name).lower()}"
    return replace(
        base, icon="eye", tone=words.tone(body.after), text=f"{side} shows: {now.lower()}", more=was
    )


def _decided(base: Moment, body: Body, names: Names) -> Moment:
    return replace(
        base, icon="scales", tone="go", text=_answer(body.after, names) or base.text, more=names.why(body.why)
    )


def _answer(said: str, names: Names) -> str:
    """The stored answer of a comparison in plain words."""
    first, _, rest = said.partition(" in ")
    if first in list(Change):
        return f"To do: {words.CHANGES[Change(first)]} in {names.side(rest)}"
    kind = said.removeprefix("ask: ")
    if kind != said and kind in list(TaskKind):
        return f"A person is needed: {words.inline(names.task(kind))}"
    return {"wait": "Waiting", "settled": "Left different", "in step": "In step"}.get(said, said)


def _in_step(base: Moment, body: Body, names: Names) -> Moment:
    settled = body.after == "settled"
    return replace(
        base,
        icon="unequal" if settled else "equal",
        tone="plum" if settled else "good",
        text="Left different" if settled else "Both systems agree",
        more=names.why(body.why),
    )


def _first(base: Moment, body: Body, names: Names) -> Moment:
    lines = body.extra.get("lines", "")
    return replace(
        base, icon="eye", text=f"First seen in {names.storefront}", more=f"Lines {lines}" if lines else ""
    )


def _linked(base: Moment, body: Body, names: Names) -> Moment:
    text = f"{body.after or 'A job'} in {names.mis} belongs to it" if body.after else "A job was matched"
    return replace(base, icon="link", tone="go", text=text)


def _unlinked(base: Moment, _body: Body, _names: Names) -> Moment:
    return replace(base, icon="link", tone="warn", text="A job was taken away from it")


def _sent(base: Moment, body: Body, names: Names) -> Moment:
    text = f"Sent: {_answer(body.after, names).removeprefix('To do: ')}"
    again = f" Try {body.extra['attempt']}." if body.extra.get("attempt", "1") != "1" else ""
    return replace(
        base,
        icon="pen",
        tone="go",
        text=text,
        more=f"{_source(body.why, names)}{again}",
        about=body.extra.get("about", ""),
    )


def _source(why: str, names: Names) -> str:
    """`storefront shows cancelled/none` in plain words."""
    side, shows, status = why.partition(" shows ")
    return f"Because {names.side(side)} shows: {words.status(status, side).lower()}." if shows else why


def _answered(base: Moment, body: Body, names: Names) -> Moment:
    outcome = words.OUTCOMES[Outcome(body.after)] if body.after in list(Outcome) else body.after
    tone = {"applied": "good", "already": "good", "unknown": "warn", "not_sent": "warn"}.get(
        body.after, "stop"
    )
    side = names.side(body.extra.get("target", ""))
    said = (
        outcome[:1].upper() + outcome[1:] if body.after == Outcome.NOT_SENT else f"{side} answered: {outcome}"
    )
    return replace(base, icon="mail", tone=tone, text=said)


def _note(base: Moment, body: Body, names: Names) -> Moment:
    side = names.side("storefront")
    text, tone = {
        "unknown": (f"Whether a note is on the order in {side} is not known", "warn"),
        "refused": (f"{side} did not take a note on the order", "stop"),
        "unsupported": (f"{side} did not take a note on the order", "stop"),
        "not_sent": (f"A note was not written: {side} had asked for a pause", "warn"),
    }.get(body.after, ("A note was written on the order", "good"))
    return replace(base, icon="pen", tone=tone, text=text)


def _proven(base: Moment, body: Body, names: Names) -> Moment:
    side = names.side(body.extra.get("target", ""))
    return replace(base, icon="check", tone="good", text=f"Read back: {side} shows the change", more="")


def _held(base: Moment, body: Body, names: Names) -> Moment:
    way = body.extra.get("direction", "")
    text = f"Held back: {_change(Direction(way), names)}" if way in list(Direction) else "Held back for now"
    return replace(base, icon="clock", tone="warn", text=text, more=names.why(body.why))


def _change(direction: Direction, names: Names) -> str:
    done = "mark it shipped" if direction is Direction.SHIP_TO_STOREFRONT else "cancel it"
    return f"{done} in {names.side(direction.target.value)}"


def _noted(base: Moment, body: Body, names: Names) -> Moment:
    title = names.task(TaskKind(body.after)) if body.after in list(TaskKind) else body.after
    return replace(
        base,
        icon="eye",
        tone="quiet",
        text=f"Would have been done: {words.inline(title)}",
        more=names.why(body.why),
    )


def _moved(base: Moment, body: Body, names: Names) -> Moment:
    life = words.LIVES[CancellationState(body.after)] if body.after in list(CancellationState) else body.after
    way = names.direction(body.extra["direction"]) if "direction" in body.extra else ""
    return replace(base, icon="cancel", tone="quiet", text=f"Cancellation: {life}", more=way, quiet=True)


def _stopped(base: Moment, body: Body, names: Names) -> Moment:
    way = body.extra.get("direction", "")
    side = names.side(Direction(way).target.value) if way in list(Direction) else names.mis
    text = f"Stopped: it is not cancelled in {side}"
    return replace(base, icon="stop", tone="plum", text=text)


def _opened(base: Moment, body: Body, names: Names) -> Moment:
    title = names.task(TaskKind(body.after)) if body.after in list(TaskKind) else body.after
    return replace(
        base, icon="person", tone="warn", text=f"A person is needed: {title}", more=names.why(body.why)
    )


def _changed(base: Moment, body: Body, _names: Names) -> Moment:
    did = body.extra.get("did", "")
    if not did:
        return replace(base, icon="person", tone="plain", text=words.sentence(body.why) or base.text, more="")
    return replace(
        base, icon="person", tone="plain", text=words.sentence(did), more="" if body.why == did else body.why
    )


def _not_done(base: Moment, body: Body, _names: Names) -> Moment:
    return replace(base, icon="eye", tone="warn", text="Not done yet", more=body.why)


def _closed(base: Moment, body: Body, _names: Names) -> Moment:
    how = words.CLOSED_HOW.get(body.after, body.after)
    return replace(base, icon="check", tone="good", text=f"Task closed: {how}")


def _person(icon: str, tone: str, text: str) -> Writer:
    def write(base: Moment, _body: Body, _names: Names) -> Moment:
        return replace(base, icon=icon, tone=tone, text=text)

    return write


_WRITERS: Mapping[str, Writer] = {
    Event.ORDER_SEEN: _first,
    Event.ORDER_FAILED: _person("alert", "stop", "The program itself failed on it"),
    Event.LINE_SIGHTED: _seen,
    Event.LINE_DECIDED: _decided,
    Event.LINE_IN_STEP: _in_step,
    Event.LINE_LINKED: _linked,
    Event.LINE_UNLINKED: _unlinked,
    Event.LINE_SETTLED: _person("unequal", "plum", "Left different, on purpose"),
    Event.LINE_ASKED_AGAIN: _person("undo", "plum", "Took back that they may differ"),
    Event.LINE_REPORTED: _person("person", "plum", "Reported done by hand"),
    Event.CANCELLATION_MOVED: _moved,
    Event.CANCELLATION_STOPPED: _stopped,
    Event.WRITE_HELD: _held,
    Event.WRITE_OBSERVED: _noted,
    Event.WRITE_SENT: _sent,
    Event.WRITE_ANSWERED: _answered,
    Event.WRITE_VERIFIED: _proven,
    Event.NOTE_WRITTEN: _note,
    Event.TASK_OPENED: _opened,
    Event.TASK_CHANGED: _changed,
    Event.TASK_NOT_DONE: _not_done,
    Event.TASK_CLOSED: _closed,
    Event.APPROVAL_GIVEN: _person("hand", "go", "Go-ahead given"),
    Event.BRAKE_TRIPPED: _person("stop", "stop", "The brake went on"),
    Event.BRAKE_RELEASED: _person("hand", "go", "Let past the brake"),
    Event.BRAKE_CLEARED: _person("hand", "good", "The brake was taken off"),
    Event.HOOK_QUARANTINED: _person("mail", "warn", "A message could not be read; it is kept"),
    Event.CONNECTION_STARTED: _person("connections", "good", "Looking after this connection began"),
    Event.DATA_ERASED: _person("cancel", "plum", "Personal data was erased"),
}


# Messages: which of them were about this order is told by what stands in them


def _messages(
    database: Connection, row: views.OrderRow, names: Names, looks: Iterable[datetime]
) -> list[Moment]:
    windows = _windows(sorted(looks))
    found = records.messages_between(database, row.connection, windows)
    numbers = _numbers(row.case)
    return [_message(each, names) for each in found if _names_one_of(each.body, numbers)]


def _windows(looks: Sequence[datetime]) -> list[tuple[datetime, datetime]]:
    """Spans of time before each look, overlapping ones joined."""
    spans: list[tuple[datetime, datetime]] = []
    for at in looks:
        start, end = at - _MESSAGE_BEFORE, at + _MESSAGE_AFTER
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans[-_MOST_WINDOWS:]


def _numbers(case: Case) -> list[bytes]:
    kinds = ("order", "line", "item", "group")
    return [value.encode() for kind, value in references(case) if kind in kinds and len(value) >= 3]


def _names_one_of(body: bytes, numbers: Iterable[bytes]) -> bool:
    """Whether the message names one of these as a whole: 1000 is not in 10001."""
    for number in numbers:
        start = body.find(number)
        while start >= 0:
            around = body[start - 1 : start] + body[start + len(number) : start + len(number) + 1]
            if not any(chr(byte) in _ALNUM for byte in around):
                return True
            start = body.find(number, start + 1)
    return False


def _message(message: records.MessageRow, names: Names) -> Moment:
    state = {"waiting": "its order is not known yet", "unlinked": "nothing is known of what it names"}
    return Moment(
        at=message.received_at,
        icon="mail",
        tone="quiet",
        who="",
        text=f"Message from {names.side(message.side)}",
        more=state.get(message.state, "a reason to look; nothing is believed before it is read"),
        raws=((f"/raw/messages/{message.id}", "Message as received"),),
        quiet=True,
    )


def _joined(moments: Sequence[Moment]) -> list[Moment]:
    """The same thing about several lines at the same moment, or the same message again, is said once."""
    out: list[Moment] = []
    for one in moments:
        last = out[-1] if out else None
        if last is not None and _same(last, one):
            about = ", ".join(dict.fromkeys(filter(None, (*last.about.split(", "), one.about))))
            raws = last.raws if one.icon != _MAIL else (*last.raws, *one.raws)
            out[-1] = replace(one, about=about, raws=raws or one.raws)
        else:
            out.append(one)
    return [_counted(one) for one in out]


def _same(one: Moment, other: Moment) -> bool:
    near = _MESSAGE_BEFORE if one.icon == other.icon == _MAIL and one.quiet else timedelta(milliseconds=50)
    alike = (one.icon, one.text, one.more, one.who) == (other.icon, other.text, other.more, other.who)
    return alike and abs(one.at - other.at) < near


def _counted(one: Moment) -> Moment:
    if one.icon != _MAIL or len(one.raws) < 2:
        return one
    text = one.text.replace("Message from", f"{len(one.raws)} messages from", 1)
    raws = tuple((url, f"Message {number}") for number, (url, _) in enumerate(one.raws, 1))
    return replace(one, text=text, raws=raws)
