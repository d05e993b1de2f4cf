"""A stage for one scenario: hands to play both shops' staff, eyes to see both systems, and the proofs.

What is proven is read from the two systems' own state and from their record of what was done to them, never
from our own database; that is looked at only to know when to go on.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from threading import Thread
from typing import Any

import msgspec

from countermand.core.tasks import TASK_TYPES, TaskKind
from countermand.demo.world import World, wait_until

CANCELLED_ID = 17


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One statement about the two systems, and what was read to prove it."""

    says: str
    holds: bool
    read: str


class DisprovedError(AssertionError):
    """A proof failed; the text says which and what was read."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was placed in the storefront and taken over by the MIS."""

    id: str
    lines: tuple[str, ...]
    jobs: tuple[str, ...]
    sales_orders: tuple[str, ...]


class Stage:
    """One scenario's hands, eyes and proofs."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.proofs: list[Proof] = []
        self._calls_before: Counter[str] = Counter()

    # Hands: the storefront

    def place(self, lines: int = 1, *, stock: bool = False, paid: bool = False, **fields: Any) -> Order:
        """Place an order and wait until it is in production and the bridge has both sides in view."""
        order_id = self.place_only(lines, stock=stock, paid=paid, **fields)
        return self.linked(order_id)

    def place_only(self, lines: int = 1, *, stock: bool = False, paid: bool = False, **fields: Any) -> str:
        kind = "stock" if stock else "print"
        items = [
            {"Name": name, "Quantity": 250, "ProductType": kind, "TypeLetter": "s", "Price": 48.5}
            for name in (_STOCK if stock else _PRINT)[:lines]
        ]
        body = {"Customer": "Harbour Coffee Roasters", "IsPaymentPaid": paid, "OrderLineItems": items}
        answer = self.world.post(self.world.infigo, "/_sim/orders", body | fields)
        return str(answer["orders"][0]["Id"])

    def place_many(self, count: int) -> list[Order]:
        """Place single-line orders together and wait until all are linked."""
        one = {"Name": _PRINT[0], "Quantity": 250, "ProductType": "print", "TypeLetter": "s", "Price": 48.5}
        body = {"orders": [{"Customer": "Harbour Coffee Roasters", "OrderLineItems": [one]}] * count}
        placed = self.world.post(self.world.infigo, "/_sim/orders", body)["orders"]
        return [self.linked(str(each["Id"])) for each in placed]

    def only_known(self, order_id: str) -> Order:
        """An order that the bridge has seen, linked or not."""
        known = wait_until(f"order {order_id} to be seen", lambda: self.known(order_id))
        lines = tuple(line["line"] for line in known["lines"])
        return Order(id=order_id, lines=lines, jobs=(), sales_orders=())

    def linked(self, order_id: str) -> Order:
        known = wait_until(f"order {order_id} to be linked", lambda: self._linked(order_id), 60)
        link = self.world.get(self.world.printiq, f"/_sim/link?order={order_id}")
        return Order(
            id=order_id,
            lines=tuple(line["line"] for line in known["lines"]),
            jobs=tuple(link["jobs"]),
            sales_orders=tuple(link["salesorders"]),
        )

    def _linked(self, order_id: str) -> Any:
        known = self.known(order_id)
        linked = known is not None and all(line["jobs"] for line in known["lines"])
        return known if linked else None

    def job_in_printiq(self, order_id: str) -> str:
        """The job that the plugin made of a single-line order, whether or not the bridge knows it."""
        path = f"/_sim/link?order={order_id}"
        jobs = wait_until(
            f"order {order_id} to reach printIQ", lambda: self.world.get(self.world.printiq, path)["jobs"]
        )
        return str(jobs[0])

    def cancel_in_infigo(self, order: Order) -> None:
        self.world.post(self.world.infigo, f"/_sim/orders/{order.id}/cancel")

    def cancel_line_in_infigo(self, line_id: str) -> None:
        self.world.post(self.world.infigo, f"/_sim/lines/{line_id}/cancel")

    # Hands: the MIS

    def set_status(self, job: str, status_id: int) -> None:
        self.world.post(self.world.printiq, f"/_sim/jobs/{job}/status", {"ProdStatusID": status_id})

    def cancel_in_printiq(self, *jobs: str) -> None:
        for job in jobs:
            self.set_status(job, CANCELLED_ID)

    def dispatch(self, job: str, tracking: str, **fields: Any) -> None:
        body = {"ConsignmentNo": f"C-{tracking}", "ConsignmentTrackingCode": tracking}
        self.world.post(self.world.printiq, f"/_sim/jobs/{job}/dispatch", body | fields)

    def faults(self, system: str, body: dict[str, Any]) -> None:
        base = self.world.infigo if system == "infigo" else self.world.printiq
        self.world.put(base, "/_sim/faults", body)

    # Hands: our own worklist

    def done(self, task: dict[str, Any], by: str = "Priya Shah") -> None:
        """Say "I did it, check now"; a message may have closed the task a moment before."""
        url = f"{self.world.console}/api/tasks/{task['id']}/done"
        answer = self.world.http.post(url, json={"by": by})
        if answer.is_error and self.open_task(task["id"])["state"] == "open":
            raise RuntimeError(answer.text)

    def act(self, task: dict[str, Any], what: str, by: str, reason: str) -> None:
        body = {"by": by, "reason": reason}
        self.world.post(self.world.console, f"/api/tasks/{task['id']}/{what}", body)

    # Eyes

    def infigo_order(self, order_id: str) -> dict[str, Any]:
        state: dict[str, Any] = self.world.get(self.world.infigo, f"/_sim/orders/{order_id}")
        return state

    def job(self, number: str) -> dict[str, Any]:
        state: dict[str, Any] = self.world.get(self.world.printiq, f"/_sim/orders/{number}")
        return state

    def known(self, order_id: str) -> dict[str, Any] | None:
        """What the bridge knows of an order; only to see when to go on."""
        answer = self.world.http.get(f"{self.world.console}/api/orders/{order_id}")
        known: dict[str, Any] | None = answer.json() if answer.status_code == 200 else None
        return known if known is not None and known["order"] == order_id else None

    def task(
        self, order: Order, kind: TaskKind, state: str = "open", *, any_order: bool = False
    ) -> dict[str, Any] | None:
        tasks = self.world.get(self.world.console, f"/api/tasks?state={state}")["tasks"]
        found = (
            task for task in tasks if task["kind"] == kind.value and (any_order or order.id in task["orders"])
        )
        return next(found, None)

    def wait_task(
        self, order: Order, kind: TaskKind, state: str = "open", *, any_order: bool = False
    ) -> dict[str, Any]:
        task: dict[str, Any] = wait_until(
            f"task {kind.value} ({state}) for order {order.id}",
            lambda: self.task(order, kind, state, any_order=any_order),
            60 if any_order else 15,
        )
        return task

    def wait_mis(self, order: Order, status: str) -> None:
        """Wait until the bridge has read this status of every line in the MIS."""
        wait_until(
            f"order {order.id} to be read as {status} in the MIS",
            lambda: (
                (known := self.known(order.id)) is not None
                and all(line["mis"] == status for line in known["lines"])
            ),
        )

    def wait_jobs(self, order: Order, jobs: set[str]) -> None:
        wait_until(
            f"order {order.id} to be linked to {', '.join(sorted(jobs))}",
            lambda: (
                (known := self.known(order.id)) is not None
                and {job for line in known["lines"] for job in line["jobs"]} == jobs
            ),
        )

    def post_order(self, order: Order, what: str, by: str = "Priya Shah", **fields: Any) -> None:
        self.world.post(self.world.console, f"/api/orders/{order.id}/{what}", {"by": by, **fields})

    def infigo_settings(self) -> dict[str, Any]:
        settings: dict[str, Any] = self.world.get(self.world.infigo, "/_sim/settings")
        return settings

    def wait_state(self, order: Order, state: str) -> None:
        wait_until(
            f"order {order.id} to be {state}",
            lambda: (known := self.known(order.id)) is not None and known["state"] == state,
        )

    def wait_rule(self, order: Order, rule: str, line: str = "") -> None:
        """Wait until the bridge has come to an answer about the order's lines (or one of them)."""
        wait_until(f"order {order.id} to be judged {rule}", lambda: self._judged(order, rule, line))

    def _judged(self, order: Order, rule: str, line: str) -> bool:
        known = self.known(order.id)
        lines = [each for each in known["lines"] if line in ("", each["line"])] if known else []
        return bool(lines) and all(each["rule"] == rule for each in lines)

    def job_of(self, order: Order, line_id: str) -> str:
        return next(job for job in order.jobs if self.job(job)["ExternalJobReference"] == line_id)

    def open_task(self, task_id: int) -> dict[str, Any]:
        task: dict[str, Any] = self.world.get(self.world.console, f"/api/tasks/{task_id}")
        return task

    def at_once(self, *acts: Callable[[], None]) -> None:
        """Do several things at the same moment."""
        threads = [Thread(target=act) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def writes(self, system: str, call: str = "", target: str = "") -> list[dict[str, Any]]:
        """What was done to a system, by its own record; staff actions on its screens left out."""
        base = self.world.infigo if system == "infigo" else self.world.printiq
        entries = self.world.get(base, "/_sim/ledger")
        return [
            entry
            for entry in entries
            if not entry["call"].startswith("staff.")
            and call in entry["call"]
            and (not target or entry["target"] == target)
        ]

    # Counting

    def rest(self) -> None:
        """Let the last reads grow old, so that a change has to be looked at from scratch."""
        time.sleep(self.world.settings.policy.fresh_for.total_seconds() + 0.2)

    def count_from_now(self) -> None:
        """Count API calls from this moment on."""
        self._calls_before = self._all_calls()

    def calls(self) -> Counter[str]:
        """Calls that both systems received since, by name."""
        return self._all_calls() - self._calls_before

    def _all_calls(self) -> Counter[str]:
        total: Counter[str] = Counter()
        for base in (self.world.infigo, self.world.printiq):
            total.update(self.world.get(base, "/_sim/calls"))
        return total

    # Proofs

    def prove(self, says: str, holds: bool, read: object) -> None:
        """Record a proof; the scenario fails on the first that does not hold."""
        self.proofs.append(Proof(says=says, holds=holds, read=str(read)))
        if not holds:
            raise DisprovedError(f"not so: {says}; read: {read}")

    def prove_soon(self, says: str, look: Any, seconds: float = 15.0) -> None:
        """Wait until `look()` gives something true, then record it as the proof."""
        self.prove(says, True, wait_until(says, look, seconds))

    def prove_calls(self, most: int) -> None:
        calls = self.calls()
        self.prove(f"it cost no more than {most} API calls", calls.total() <= most, dict(calls))

    def prove_job_cancelled(self, job: str) -> None:
        self.prove_soon(
            f"printIQ shows job {job} as cancelled (status 17)",
            lambda: f"{job}: status {CANCELLED_ID}" if self.job_status(job) == CANCELLED_ID else None,
        )

    def job_status(self, job: str) -> int:
        return int(self.job(job)["ProductionStatusID"])

    def prove_order(self, order: Order, **wanted: str) -> None:
        def look() -> str | None:
            state = self.infigo_order(order.id)
            shown = {field: state.get(field) for field in wanted}
            return str(shown) if shown == wanted else None

        words = ", ".join(f"{field} {value}" for field, value in wanted.items())
        self.prove_soon(f"Infigo shows order {order.id} with {words}", look)

    def prove_writes(self, system: str, count: int, call: str = "", target: str = "") -> None:
        found = self.writes(system, call, target)
        said = f"{count} write{'s' if count != 1 else ''}" if count else "no write"
        about = f" of {call}" if call else ""
        self.prove(f"{system} received {said}{about}", len(found) == count, _shown(found))

    def prove_refused(self, task: dict[str, Any], what: str, by: str, reason: str) -> None:
        url = f"{self.world.console}/api/tasks/{task['id']}/{what}"
        answer = self.world.http.post(url, json={"by": by, "reason": reason})
        self.prove("the same person cannot agree twice", answer.status_code == 409, answer.text)

    def prove_cancellation(self, order: Order, state: str) -> None:
        def look() -> str | None:
            known = self.known(order.id)
            states = [one["state"] for one in known["cancellations"]] if known else []
            return states[-1] if states and states[-1] == state else None

        self.prove_soon(f"the cancellation is {state}", look)

    def prove_task(
        self, order: Order, kind: TaskKind, state: str = "open", *, any_order: bool = False
    ) -> dict[str, Any]:
        task = self.wait_task(order, kind, state, any_order=any_order)
        title = TASK_TYPES[kind].title
        self.prove(f"task “{title}” is {state} for order {order.id}", True, f"task {task['id']}")
        return task

    def prove_steps(self, task: dict[str, Any], *words: str) -> None:
        """The task tells a person what to do, in the words of the vendor's own guide."""
        steps = " ".join(self.open_task(task["id"])["steps"])
        self.prove("the task gives the guide's steps", all(word in steps for word in words), steps)

    def prove_closed(self, task: dict[str, Any], how: str) -> None:
        def look() -> str | None:
            now = self.open_task(task["id"])
            closed = now["state"] == "closed" and now["closed_how"] == how
            return f"task {now['id']}, by {now['closed_by']}: {now['close_reason']}" if closed else None

        self.prove_soon(f"the task closes as {how}", look)

    def prove_most_urgent(self, order: Order, kind: TaskKind) -> None:
        task = self.prove_task(order, kind)
        self.prove("it is the most urgent kind", task["urgency"] == "most_urgent", task["urgency"])

    def prove_never_in_step(self, order: Order) -> None:
        known = self.known(order.id)
        rules = [line["rule"] for line in known["lines"]] if known else []
        agreed = {"both-cancelled", "both-dispatched", "both-open"}
        self.prove("it does not count as in step", not agreed & set(rules), rules)


def _shown(entries: list[dict[str, Any]]) -> str:
    return "; ".join(f"{entry['call']} {entry['target']}: {entry['effect']}" for entry in entries) or "none"


_PRINT = (
    "Business cards, 350 gsm silk",
    "Roller banner, 850 x 2000 mm",
    "Flyers A5, 150 gsm gloss",
    "Loyalty cards, rounded corners",
)
_STOCK = ("Branded ballpoint pen, blue", "Presentation folder, A4")
