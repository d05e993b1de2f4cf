"""What the simulator can be told stands on its page."""

from pathlib import Path
from typing import get_args

import msgspec
import pytest

from countermand.simulators.kit.faults import FaultKind
from countermand.simulators.printiq import PrintIQSettings

PAGE = (Path(__file__).parents[3] / "docs" / "simulators-printiq.md").read_text()


@pytest.mark.parametrize("name", [field.name for field in msgspec.structs.fields(PrintIQSettings)])
def test_every_setting_is_described(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_fault_is_described(kind: str) -> None:
    assert f"| `{kind}` |" in PAGE
