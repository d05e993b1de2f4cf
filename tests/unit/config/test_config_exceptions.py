"""`[[connections.NAME.when]]`: for which orders the rules differ."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from setup_files import NEXT, SMALL, read, refused

from countermand.core.order import LineKind
from countermand.core.policy import Direction, Mode
from countermand.core.rules import MODE_SETTINGS, Override

WHEN = "[[connections.main.when]]\n"
MINUTE = timedelta(minutes=1)


def overrides(folder: Path, *blocks: str) -> tuple[Override, ...]:
    text = SMALL + "".join(WHEN + block for block in blocks)
    (connection,) = read(folder, text).installation.connections
    return connection.overrides


def test_a_full_exception(tmp_path: Path) -> None:
    (one,) = overrides(
        tmp_path,
        'name = "trade"\ncustomer = ["1042", " 1077 "]\nproduct = "print"\ndirection = "cancel_to_mis"\n'
        'mode = "automatic"\nundo_window = "30 min"\nvalue_limit = "none"\n',
    )
    assert one == Override(
        name="trade",
        customers=frozenset({"1042", "1077"}),
        kind=LineKind.PRINT,
        direction=Direction.CANCEL_TO_MIS,
        settings={"cancel_to_mis": Mode.AUTOMATIC, "undo_window": 30 * MINUTE, "value_limit": None},
    )


def test_one_customer_needs_no_list_and_a_name_is_not_needed(tmp_path: Path) -> None:
    one, two = overrides(
        tmp_path, 'customer = "1042"\nmode = "observe"\n', 'product = "stock"\nmode = "manual"\n'
    )
    assert (one.name, one.customers) == ("when 1", frozenset({"1042"}))
    assert (two.name, two.kind) == ("when 2", LineKind.STOCK)


def test_a_mode_without_a_direction_is_for_all_three(tmp_path: Path) -> None:
    (one,) = overrides(tmp_path, 'customer = "1042"\nmode = "observe"\n')
    assert one.settings == dict.fromkeys(MODE_SETTINGS, Mode.OBSERVE)


def test_a_direction_may_be_told_by_the_setting_too(tmp_path: Path) -> None:
    (one,) = overrides(tmp_path, 'customer = "1042"\nmode = "observe"\ncancel_to_mis = "manual"\n')
    assert one.settings == {**dict.fromkeys(MODE_SETTINGS, Mode.OBSERVE), "cancel_to_mis": Mode.MANUAL}


def test_exceptions_that_differ_in_rank_or_in_orders_may_say_different_things(tmp_path: Path) -> None:
    made = overrides(
        tmp_path,
        'customer = "1042"\nmode = "observe"\n',
        'customer = "1077"\nmode = "manual"\n',
        'product = "print"\nmode = "automatic"\n',
        'product = "stock"\nmode = "manual"\n',
        'customer = "1042"\nproduct = "print"\nmode = "assisted"\n',
        'customer = ["1042", "1077"]\nundo_window = "1 min"\n',
        'direction = "cancel_to_mis"\nundo_window = "2 min"\n',
        'direction = "cancel_to_storefront"\nundo_window = "3 min"\n',
    )
    assert len(made) == 8


WRONG = [
    (['customer = "1"\n'], 0, "connections.main.when[1] changes no setting: give it a mode or a rule."),
    (['cstomer = "1"\nmode = "observe"\n'], 1, "no setting connections.main.when[1].cstomer; did you"),
    (['mode = "off"\n'], 1, 'connections.main.when[1].mode is "off"; it must be "observe", "manual",'),
    (['customer = 1042\nmode = "observe"\n'], 1, "when[1].customer is 1042; it must be a list of texts"),
    (['customer = []\nmode = "observe"\n'], 1, "customer must name 1 to 500 customers."),
    (['customer = " "\nmode = "observe"\n'], 1, "customer must name 1 to 500 customers."),
    (['product = "paper"\nmode = "observe"\n'], 1, '"paper"; it must be "print" or "stock", or "none".'),
    (['brake_burst = 3\n'], 1, "there is no setting connections.main.when[1].brake_burst"),
    (
        ['direction = "cancel_to_mis"\nvendor_may_ship = true\n'],
        0,
        "connections.main.when[1]: vendor_may_ship cannot be set for one direction only.",
    ),
    (
        ['direction = "cancel_to_mis"\nship_to_storefront = "manual"\n'],
        0,
        "ship_to_storefront cannot be set for one direction only.",
    ),
    (
        ['customer = ["A", "b"]\nmode = "observe"\n', 'customer = ["B"]\ncancel_to_mis = "manual"\n'],
        3,
        "when[1] match the same orders and both set cancel_to_mis: make one of them more specific.",
    ),
    (['undo_window = "1 min"\n', 'undo_window = "2 min"\n'], 2, "same orders and both set undo_window"),
    (['name = "x"\nmode = "observe"\n', 'name = "x"\nundo_window = "1 min"\n'], 3, "are called 'x'."),
]  # fmt: skip


@pytest.mark.parametrize(("blocks", "after", "says"), WRONG)
def test_a_problem_is_told_with_its_line(tmp_path: Path, blocks: list[str], after: int, says: str) -> None:
    (problem,) = refused(tmp_path, SMALL + "".join(WHEN + block for block in blocks))
    assert problem.startswith(f"countermand.toml, line {NEXT + after}: "), problem
    assert says in problem, problem


def test_a_single_table_is_not_a_list_of_exceptions(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, SMALL + '[connections.main.when]\nmode = "observe"\n')
    assert problem.startswith(f"countermand.toml, line {NEXT}: connections.main.when is a table; it must be ")
    assert problem.endswith("at most 100 tables, each under [[connections.main.when]].")


def test_more_exceptions_than_anybody_can_oversee_are_refused(tmp_path: Path) -> None:
    blocks = [f'{WHEN}customer = "{number}"\nmode = "observe"\n' for number in range(101)]
    assert read(tmp_path, SMALL + "".join(blocks[:100])) is not None
    assert "at most 100 tables" in refused(tmp_path, SMALL + "".join(blocks))[0]
