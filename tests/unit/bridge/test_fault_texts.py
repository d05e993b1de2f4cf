"""What is said of an error of ours, on screens and in what is stored: no secret, and nobody's data."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from bridge_fakes import AT_ONCE, Small, run

from countermand.bridge.connection import Polling
from countermand.bridge.faults import in_short
from countermand.bridge.people import check_now
from countermand.core.events import Event
from countermand.core.status import Side
from countermand.core.tasks import TaskKind

SECRET = "tok-4711-live"
NAME = "Harbour Coffee Roasters"
FAULT = ValueError(f"no such header: Bearer {SECRET}, for {NAME}, jo@harbour.example")
SAID = "ValueError: no such header: Bearer ***, for ***, ***"


def mask(text: str) -> str:
    return text.replace(SECRET, "***")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (ValueError("a status of 7 parts"), "ValueError: a status of 7 parts"),
        (KeyError("s10001"), "KeyError: 's10001'"),
        (KeyError("Priya Shah"), "KeyError: '***'"),
        (ValueError('could not convert string to float: "O\'Neill & Sons"'),
         'ValueError: could not convert string to float: "***"'),
        (AttributeError("'NoneType' object has no attribute 'lines'"),
         "AttributeError: 'NoneType' object has no attribute 'lines'"),
        (TypeError("first\n  second"), "TypeError: first second"),
        (ValueError("who is jo.shah+print@harbour.example?"), "ValueError: who is ***?"),
        (AssertionError(), "AssertionError"),
    ],
)  # fmt: skip
def test_what_is_said_of_an_error(fault: Exception, said: str) -> None:
    assert in_short(fault, str) == said


def test_secrets_go_before_the_text_is_cut() -> None:
    """Half of a secret is still a part of one."""
    said = in_short(ValueError("x" * (300 - len("ValueError: ") - 4) + SECRET), mask)
    assert SECRET[:4] not in said
    assert len(said) <= 300


@pytest.mark.parametrize("text", ["x" * 2_000_000, "'\"" * 500_000, "a@" * 500_000, "a@b." * 300_000])
def test_a_text_as_long_as_an_answer_takes_no_time(text: str) -> None:
    """Cut short before anything is looked for in it: a second per character pair would be minutes here."""
    said = in_short(ValueError(text + SECRET), mask)
    assert len(said) <= 300


def test_what_is_known_of_the_customer_goes_but_no_short_number() -> None:
    fault = ValueError(f"{NAME} with PO-7788 and 7 parts")
    assert in_short(fault, str, (NAME, "PO-7788", "7", "")) == "ValueError: *** with *** and 7 parts"


def holding(policy: object = AT_ONCE) -> Small:
    small = Small(policy, Polling(interval=timedelta(minutes=1)))  # type: ignore[arg-type]  # a Policy
    small.connection = msgspec.structs.replace(small.connection, mask=mask)
    small.use(small.connection)
    return small


def everything_stored(small: Small) -> str:
    with small.engine.begin() as database:
        dumped = database.connection.driver_connection
        assert dumped is not None
        return "\n".join(dumped.iterdump())


def test_neither_the_task_nor_the_journal_nor_the_last_look_carries_them() -> None:
    async def story() -> None:
        small = holding()
        await small.in_production(customer=NAME)
        small.storefront.faults["10001"] = FAULT
        small.order_hook("10001")
        await small.step()
        task = small.task(TaskKind.PROGRAM_ERROR)
        assert task.detail == SAID
        await small.deed("10001", check_now(task.id, "Priya Shah", small.clock()))
        await small.step()
        assert small.task(TaskKind.PROGRAM_ERROR).last_check == f"It failed again: {SAID}"
        ((_, _, body),) = small.events(Event.ORDER_FAILED)
        assert SAID in body
        stored = everything_stored(small)
        assert SECRET not in stored
        assert "jo@harbour.example" not in stored

    run(story())


def test_nor_what_is_said_of_messages_and_listings() -> None:
    async def story() -> None:
        small = holding()
        small.storefront.find_faults["s1"] = small.storefront.listing_fault = FAULT
        small.hook(Side.STOREFRONT, {"line": "s1"})
        await small.step()
        ((_, reason, _),) = small.inbox()
        for text in (reason, *small.bridge.faults):
            assert "ValueError: no such header: Bearer ***" in text
            assert SECRET not in text
            assert "jo@harbour.example" not in text

    run(story())
