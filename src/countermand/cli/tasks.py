"""`countermand tasks`: the worklist of what only a person can do."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from countermand.cli.groups import Group
from countermand.cli.remote import get, post, table, url_option, your_name

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WAIT_SECONDS = 20.0


@click.group(cls=Group)
def tasks() -> None:
    """List what needs a person, show one task, or say that it is done.

    Example: countermand tasks list
    """


@tasks.command("list")
@url_option
@_json
@click.option("--state", type=click.Choice(["open", "closed"]), default="open", show_default=True)
def list_tasks(url: str, as_json: bool, state: str) -> None:
    """Tasks by what it costs to wait: most urgent first.

    Example: countermand tasks list --state closed
    """
    found = get(url, "/api/tasks", state=state)["tasks"]
    if as_json:
        click.echo(json.dumps(found, indent=2))
    elif not found:
        click.echo("Nothing needs a person." if state == "open" else "No task was closed yet.")
    else:
        headings = ["task", "urgency", "what", "orders", "owner", "due (UTC)"]
        many = len({task["connection"] for task in found}) > 1
        click.echo(table(["connection"] * many + headings, [_row(task, many) for task in found]))


def _row(task: dict[str, Any], many: bool) -> list[str]:
    """`many`: tasks of several connections stand in the list, so that each says whose it is."""
    return [
        *([task["connection"]] * many),
        str(task["id"]),
        task["urgency"].replace("_", " "),
        task["title"],
        ", ".join(task["orders"]) + ("" if task["order_count"] <= len(task["orders"]) else ", ..."),
        task["owner"],
        task["due_at"][:16].replace("T", " "),
    ]


@tasks.command("show")
@url_option
@_json
@click.argument("task_id", type=int)
def show_task(url: str, as_json: bool, task_id: int) -> None:
    """One task: what to do, why, and what it costs to wait.

    Example: countermand tasks show 3
    """
    task = get(url, f"/api/tasks/{task_id}")
    if as_json:
        click.echo(json.dumps(task, indent=2))
        return
    click.echo(f"Task {task['id']} ({task['state']}): {task['title']}")
    about = f"  orders    {', '.join(task['orders'])}   lines {task['line_ids'] or '-'}"
    click.echo(f"{about}   of {task['connection']}")
    click.echo(f"  waiting means: {task['cost']}")
    click.echo(f"  owner     {task['owner']}, due {task['due_at'][:16].replace('T', ' ')} UTC")
    for number, step in enumerate(task.get("steps", []), 1):
        click.echo(f"  {number}. {step['text'] if isinstance(step, dict) else step}")
    if task["last_check"]:
        click.echo(f"  last look {task['last_check']}")
    if task["state"] == "closed":
        click.echo(f"  closed    {task['closed_how']} by {task['closed_by']}: {task['close_reason']}")


@tasks.command("done")
@url_option
@click.argument("task_id", type=int)
@click.option("--by", default=your_name, help="Who did it; your login, or who signed in.")
def done(url: str, task_id: int, by: str) -> None:
    """Say that a task is done: both systems are read, and only then it closes.

    Example: countermand tasks done 3 --by "Priya Shah"
    """
    before = get(url, f"/api/tasks/{task_id}")
    post(url, f"/api/tasks/{task_id}/done", {"by": by})
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        task = get(url, f"/api/tasks/{task_id}")
        if task["state"] == "closed":
            click.echo(f"Task {task_id} is closed ({task['closed_how']}): {task['close_reason']}")
            return
        if task["version"] != before["version"] and task["last_check"]:
            raise click.ClickException(f"Task {task_id} stays open. {task['last_check']}")
        time.sleep(0.1)
    raise click.ClickException(f"Task {task_id} is still being checked; look again with `tasks show`.")
