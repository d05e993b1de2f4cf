"""A sweep whose process is killed for good on its way, three times, by the operating system."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIFE = Path(__file__).parents[2] / "unit" / "sweeps" / "sweep_life.py"


def start(folder: Path, life: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(LIFE), str(folder), str(life)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def kill_after(folder: Path, life: int, steps: int) -> None:
    """Let it do so many steps, and kill it as it stands before the next one."""
    process = start(folder, life)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for _ in range(steps):
            assert process.stdout.readline() == "step\n", "the sweep ended before its process was killed"
            process.stdin.write("\n")
            process.stdin.flush()
        assert process.stdout.readline() == "step\n", "the sweep ended before its process was killed"
    finally:
        process.kill()
        process.stdout.close()
        process.stdin.close()
        code = process.wait(30)
    assert code == -signal.SIGKILL


def to_the_end(folder: Path, life: int) -> dict[str, Any]:
    with start(folder, life) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            if line != "step\n":
                outcome: dict[str, Any] = json.loads(line)
                return outcome
            process.stdin.write("\n")
            process.stdin.flush()
    raise AssertionError("the last life said nothing")


@pytest.mark.parametrize("kills", [(8, 14, 11), (19, 3, 30)])
def test_a_sweep_is_whole_after_three_kills(tmp_path: Path, kills: tuple[int, ...]) -> None:
    for life, steps in enumerate(kills):
        kill_after(tmp_path, life, steps)
    end = to_the_end(tmp_path, len(kills))
    assert end["sweeps"] == 1, "each life went on with the sweep of the one before"
    assert end["total"] == 400
    assert set(end["found"]) == set(end["drifted"])
    assert (end["agreed"], end["differing"], end["skipped"]) == (360, 40, 0)
    assert set(end["left"]) == set(end["left_for_people"])
    numbers = [write["number"] for write in end["writes"]]
    assert len(numbers) == len(set(numbers)), "an order was written to twice"
    assert all(write["needed"] for write in end["writes"])
    assert set(numbers) | set(end["left"]) == set(end["drifted"])
