"""`countermand demo` as a newcomer runs it, and its proofs."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner
from countermand_process import countermand, demo

from countermand.cli.demo import demo as demo_command
from countermand.demo import once
from countermand.demo.scenarios import SCENARIOS, Scenario
from countermand.demo.stage import Stage
from countermand.demo.world import wait_until

QUICK = (
    "cancelled-in-infigo-automatic",
    "cancelled-in-printiq-manual",
    "dispatched-becomes-shipped",
    "stock-line",
)

#: The scenarios that the product promises to prove.
PROMISED = (
    "dispatched-becomes-shipped",
    "dispatched-becomes-shipped-vendor-sync-on",
    "cancelled-in-infigo-manual",
    "cancelled-in-printiq-manual",
    "cancelled-in-infigo-automatic",
    "cancelled-in-printiq-automatic",
    "no-hooks-at-all",
    "cancelled-after-dispatch",
    "one-line-of-three",
    "cancelled-in-printiq-vendor-handler-on",
    "printiq-cannot-be-read",
    "printiq-cannot-be-searched",
    "cancelled-while-dispatched",
    "stock-line",
    "done-too-early",
    "every-message-twice",
    "undo-window",
    "past-the-cut-off",
    "needs-a-second-person",
    "mass-cancel-brake",
    "re-opened-in-printiq",
    "renamed-status-labels",
    "unmapped-status",
    "po-number-instead-of-order-id",
    "ambiguous-link",
    "split-sales-order",
    "two-parcels",
    "observe-only",
    "already-disagreeing-at-first-sight",
    "stale-read-after-write",
    "cancelled-before-it-reached-printiq",
    "vendor-plugin-did-it-meanwhile",
    "last-line-cancels-the-order",
    "settled-then-changed",
    "held-after-printing-started",
    "cancelled-after-delivery",
)


def test_every_promised_scenario_is_there_once_with_a_title() -> None:
    names = [scenario.name for scenario in SCENARIOS]
    assert set(PROMISED) <= set(names)
    assert len(names) == len(set(names))
    assert all(scenario.title.strip() for scenario in SCENARIOS)


def test_once_proves_and_reports_as_json() -> None:
    ended = countermand("demo", "--once", "--json", *(part for name in QUICK for part in ("--only", name)))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    assert report["passed"] is True
    assert {one["name"] for one in report["scenarios"]} == set(QUICK)
    for one in report["scenarios"]:
        assert one["passed"] is True
        assert one["failure"] == ""
        assert 0 < one["seconds"] < 60
        assert one["call_count"] == sum(one["calls"].values())
        assert one["proofs"]
        assert all(proof["holds"] and proof["says"] and proof["read"] for proof in one["proofs"])
    costs = {one["name"]: one["call_count"] for one in report["scenarios"]}
    assert costs["cancelled-in-infigo-automatic"] <= 4
    assert costs["dispatched-becomes-shipped"] <= 4


def disproved(stage: Stage) -> None:
    order = stage.place()
    stage.prove_writes("printiq", 7, "RunEvent", order.jobs[0])


def broken(_stage: Stage) -> None:
    raise KeyError("a fault of the scenario itself")


@pytest.mark.parametrize(
    ("play", "says"), [(disproved, "not so: printiq received 7 writes"), (broken, "KeyError")]
)
@pytest.mark.parametrize("as_json", [True, False])
def test_a_broken_proof_makes_it_fail(
    monkeypatch: pytest.MonkeyPatch, play: object, says: str, as_json: bool
) -> None:
    only = (Scenario(name="broken", title="This cannot be proven.", play=play),)  # type: ignore[arg-type]
    monkeypatch.setattr("countermand.cli.demo.SCENARIOS", only)
    ended = CliRunner().invoke(demo_command, ["--once", *(["--json"] if as_json else [])])
    assert ended.exit_code == 1
    if as_json:
        (one,) = json.loads(ended.output)["scenarios"]
        assert says in one["failure"]
        assert one["passed"] is False
    else:
        assert "FAILED" in ended.output
        assert says in ended.output


def test_one_failure_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [
        Scenario(name=name, title="A story.", play=play)
        for name, play in (("first", lambda _stage: None), ("second", broken), ("third", lambda _stage: None))
    ]
    assert [one.passed for one in once.play_all(scenarios)] == [True, False, True]


def test_an_unknown_scenario_is_one_sentence() -> None:
    ended = CliRunner().invoke(demo_command, ["--once", "--only", "no-such-story"])
    assert ended.exit_code != 0
    assert "no scenario no-such-story" in ended.output
    assert "Traceback" not in ended.output


def test_cancelled_on_one_staff_screen_is_cancelled_on_the_other_within_five_seconds(tmp_path: Path) -> None:
    with demo(tmp_path, "--orders", "1", "--seed", "3") as (running, http):
        assert "in automatic mode" in running.said
        (order,) = http.get(f"{running.console}/api/orders").json()["orders"]
        number = order["order"]
        link = http.get(f"{running.printiq}/_sim/link?order={number}").json()
        (job, *_) = link["jobs"]
        page = http.get(f"{running.infigo}/admin/orders/{number}")
        assert page.status_code == 200
        answer = http.post(
            f"{running.infigo}/admin/orders/{number}/status",
            data={"status": "Cancelled"},
            follow_redirects=True,
        )
        assert answer.status_code == 200, answer.text[:500]
        wait_until(
            f"job {job} to be cancelled in printIQ",
            lambda: http.get(f"{running.printiq}/_sim/orders/{job}").json()["ProductionStatusID"] == 17,
            5.0,
        )


def test_a_taken_port_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = countermand("demo", "--no-browser", "--orders", "0", "--port-base", str(port - 1))
    assert ended.returncode != 0
    assert f"Port {port} on 127.0.0.1 cannot be used" in ended.stderr
    assert "Traceback" not in ended.stderr
