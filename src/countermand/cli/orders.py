"""`countermand orders`: what is known of orders."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import click

from countermand.bridge.store import State
from countermand.cli.groups import Group
from countermand.cli.remote import get, post, table, url_option, your_name
from countermand.cli.which import connection_option

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=Group)
def orders() -> None:
    """List orders, or show one with both systems side by side.

    Example: countermand orders show 10001
    """


@orders.command("list")
@url_option
@_json
@click.option(
    "--state", type=click.Choice([one.value for one in State]), help="Only orders that stand like this."
)
@click.option("--search", default="", help="Any number a person may hold, or part of a customer's name.")
@click.option("--connection", default="", help="Only this connection's.")
def list_orders(url: str, as_json: bool, state: str | None, search: str, connection: str) -> None:
    """Orders, newest change first.

    Example: countermand orders list --state needs_person
    """
    found = get(url, "/api/orders", state=state or "", q=search, connection=connection)["orders"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("No orders match.")
    else:
        headings = ["order", "state", "customer", "lines", "storefront", "MIS", "changed (UTC)"]
        many = len({order["connection"] for order in found}) > 1
        click.echo(table(["connection"] * many + headings, [_row(order, many) for order in found]))


def _row(order: dict[str, Any], many: bool) -> list[str]:
    """`many`: orders of several connections stand in the list, so that each says whose it is."""
    lines = order["lines"]
    return [
        *([order["connection"]] * many),
        order["order"],
        order["state"].replace("_", " "),
        order["customer"] or "-",
        str(len(lines)),
        _joined(line["storefront"] for line in lines),
        _joined(line["mis"] for line in lines),
        order["changed_at"][:19].replace("T", " "),
    ]


def _joined(values: Any) -> str:
    return ", ".join(dict.fromkeys(values)) or "-"


@orders.command("show")
@url_option
@_json
@click.argument("number")
@connection_option
def show_order(url: str, as_json: bool, number: str, connection: str) -> None:
    """One order by any of its numbers: both systems per line, and everything that happened.

    Example: countermand orders show J29328-01
    """
    order = get(url, f"/api/orders/{quote(number, safe='')}", connection=connection)
    if as_json:
        click.echo(json.dumps(order, indent=2))
        return
    click.echo(f"Order {order['order']} ({order['connection']}): {order['state'].replace('_', ' ')}\n")
    headings = ["line", "product", "storefront", "MIS", "jobs", "tracking"]
    click.echo(table(headings, [_line(line) for line in order["lines"]]))
    click.echo("\nWhat happened (UTC):")
    for event in order["timeline"]:
        click.echo(f"  {_event(event)}")


@orders.command("stop")
@url_option
@click.argument("number")
@connection_option
@click.option("--reason", required=True, help="Why it is stopped; stands in the journal.")
@click.option("--by", default=your_name, help="Who stops it; your login, or who signed in.")
def stop_cancel(url: str, number: str, connection: str, reason: str, by: str) -> None:
    """Stop a cancel that waits, before it is written; the two systems stay different in your name.

    Example: countermand orders stop 10001 --reason "the customer wants it after all"
    """
    path = f"/api/orders/{quote(number, safe='')}/stop"
    order = post(url, path, {"by": by, "reason": reason}, connection=connection)
    click.echo(f"The cancel of order {order['order']} is stopped. Nothing is written; both stay as they are.")


def _line(line: dict[str, Any]) -> list[str]:
    return [
        line["line"],
        line["name"] or "-",
        line["storefront"],
        line["mis"],
        ", ".join(line["jobs"]) or "-",
        ", ".join(line["tracking"]) or "-",
    ]


def _event(event: dict[str, Any]) -> str:
    body = json.loads(event["body"])
    change = " -> ".join(part for part in (body.get("before", ""), body.get("after", "")) if part)
    about = event["subject"].removeprefix("order/")
    said = "; ".join(part for part in (change, body.get("why", "")) if part)
    return f"{event['at'][11:23]}  {event['event']:<18} {about}  {said}  [{event['actor']}]"
