"""Writes the table of promises into docs/simulation.md: `python tests/simulation/simulation_docs.py`."""

from __future__ import annotations

from pathlib import Path

from countermand.simulation.invariants import MEANING

PAGE = Path(__file__).parents[2] / "docs" / "simulation.md"
_BEGIN, _END = "<!-- begin: promises -->\n", "<!-- end -->"


def page() -> str:
    """The page with its table as the code has it."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, after = rest.partition(_END)
    rows = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in MEANING.items())
    return f"{before}{_BEGIN}| promise | what it says |\n|---|---|\n{rows}{_END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
