"""Orders on which our own code fails: each rests a while, and a task says so until a look goes well. Pure.

What such a pass learned is dropped with it. So the order is kept as it was, and both systems are read when
its rest is over: whoever asked for a look has got it, and nothing is missed.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from msgspec import MsgspecError
from msgspec.structs import replace

from countermand.bridge.case import Case, Checking, OpenTask
from countermand.bridge.sightings import blank_case
from countermand.bridge.store import (
    ITSELF,
    Change,
    Closing,
    Entry,
    State,
    StoredCase,
    TaskCheck,
    TaskEnd,
    TaskWish,
)
from countermand.core.events import Event
from countermand.core.tasks import TASK_TYPES, TaskKind, most_urgent

#: Errors of ours about one order. What goes wrong with storing is none of these: that holds for every order.
#:
#: Assertions are among them, and stay on in production. Each stands before what it guards, the ledger's own
#: within the transaction: the order of which something impossible was about to be stored or sent is stopped,
#: with nothing of that done, and no other is the worse for it. One that every order meets (a database that is
#: not what it should be) also meets whoever wants to put the order off, and so stops the connection.
FAULTS = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
#: What is stored and cannot be read is damage of the ledger: it stops the connection, which says so.
DAMAGE = MsgspecError
#: So long an order rests after an error of ours.
FAULT_REST = timedelta(minutes=5)

_KIND = TaskKind.PROGRAM_ERROR
_MOST_SAID = 300
#: An error's text may be a whole answer; nothing is looked for beyond this.
_MOST_READ = 3000
_STRUCK = "***"
#: What is shorter cannot be told from ordinary words and numbers.
_SHORTEST_PRIVATE = 4
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(\.[\w-]+)+")
_QUOTED = re.compile(r"""(['"])(.*?)\1""", re.DOTALL)

#: Strikes out what must not be seen in a text.
Mask = Callable[[str], str]


def fault_task(case: Case) -> OpenTask | None:
    """The task that says that our own code failed on the order, while it is open."""
    return next((task for task in case.tasks if task.kind is _KIND), None)


def failed(
    stored: StoredCase | None, order_id: str, fault: Exception, now: datetime, mask: Mask = str
) -> Change:
    """The order as it was, with its task, put off; one that is not known yet is kept by its number."""
    case = stored.case if stored else blank_case(order_id, now, now)
    said = in_short(fault, mask, (case.customer, case.po_number))
    task, asked = fault_task(case), checking(case)
    until = now + FAULT_REST
    # The MIS is named apart, so that jobs are looked for too, and a sweep leaves the order alone.
    resting = replace(case, poll_at=until, look_mis_at=until)
    if asked is not None:
        resting = replace(resting, checking=tuple(each for each in case.checking if each is not asked))
    entries = [] if stored else [_entry(order_id, Event.ORDER_SEEN, now)]
    entries += [] if task else [_entry(order_id, Event.ORDER_FAILED, now, said)]
    return Change(
        stored=stored,
        case=resting,
        state=State.NEEDS_PERSON,
        urgency=most_urgent([_KIND, *(each.kind for each in case.tasks)]),
        due_at=until,
        changed=task is None,
        opens=() if task is not None and task.detail == said else (_wish(said, now),),
        checks=(TaskCheck(id=asked.task, saw=f"It failed again: {said}"),) if asked else (),
        journal=tuple(entries),
    )


def shows_it_is_over(case: Case, before: Case) -> bool:
    """Whether a pass that began with `before`, and went well, says anything.

    What could not be read may be what our code fails on. A person who asked for another try has looked.
    """
    if fault_task(case) is None:
        return False
    seen = [*(line.storefront for line in case.lines), *(item.mis for item in case.items)]
    readable = bool(case.lines) and all(each.unreadable_since is None for each in seen)
    return readable or checking(before) is not None


def over(stored: StoredCase, before: Case, now: datetime) -> Change:
    """The order without its task, due at once: how it stands is judged without it."""
    task, asked = fault_task(stored.case), checking(before)
    assert task is not None, f"order {stored.case.order_id} has no such task"
    left = [each.kind for each in stored.case.tasks if each.id != task.id]
    end = TaskEnd(
        id=task.id,
        how=Closing.VERIFIED,
        by=asked.by if asked else ITSELF,
        reason="the order was looked at without an error",
    )
    return Change(
        stored=stored,
        case=stored.case,
        state=State.NEEDS_PERSON if left else State.ON_THE_WAY,
        urgency=most_urgent(left),
        due_at=now,
        closes=(end,),
    )


def checking(case: Case) -> Checking | None:
    """Who asked for another try, if anybody."""
    task = fault_task(case)
    return next((each for each in case.checking if task is not None and each.task == task.id), None)


def in_short(fault: Exception, mask: Mask, private: Iterable[str] = ()) -> str:
    """The error's kind and its own words, as one short line, without secrets and anybody's data.

    `private`: what is known of the person it may be about. Beyond that, e-mail addresses go, and whatever
    stands in quotes and is more than one word: there Python's own errors put what they were given.
    """
    said = mask(": ".join(filter(None, (type(fault).__name__, str(fault)))))[:_MOST_READ]
    for value in private:
        said = said.replace(value, _STRUCK) if len(value) >= _SHORTEST_PRIVATE else said
    said = _QUOTED.sub(_one_word, _EMAIL.sub(_STRUCK, said))
    return " ".join(said.split())[:_MOST_SAID]


def traceback_of(fault: Exception, mask: Mask) -> str:
    """For the log: where it happened and all that it says, without secrets."""
    return mask("".join(traceback.format_exception(fault)).rstrip())


def _one_word(quoted: re.Match[str]) -> str:
    mark, text = quoted[1], quoted[2]
    return f"{mark}{_STRUCK}{mark}" if " " in text else quoted[0]


def _wish(said: str, now: datetime) -> TaskWish:
    kind = TASK_TYPES[_KIND]
    return TaskWish(
        kind=_KIND,
        group_key=f"{_KIND.value}:{said}",
        line_ids=(),
        because="program-error",
        detail=said,
        assisted=False,
        due_at=now + kind.due_in,
        urgency=kind.urgency,
        owner=kind.owner.value,
    )


def _entry(order_id: str, event: Event, now: datetime, why: str = "") -> Entry:
    return Entry(at=now, event=event, subject=f"order/{order_id}", why=why)
