"""Making a failing history shorter: what can be left out while the same promise is still broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec.structs import replace

from countermand.simulation.history import Outcome, run_history
from countermand.simulation.script import DAY, Act, Do, Script
from countermand.simulation.weather import Spell

Part = TypeVar("Part")

#: How often the history is run again, at most.
MOST_RUNS = 120


class Shortener:
    """Leaves out acts and spells, in ever smaller pieces, as long as the same invariant still breaks."""

    def __init__(
        self, script: Script, outcome: Outcome, run: Callable[[Script], Outcome] = run_history
    ) -> None:
        self._script = script
        self._outcome = outcome
        self._run = run
        self._runs = 0

    def shorten(self) -> tuple[Script, Outcome]:
        """The shortest script that was found, and what came of it."""
        self._try(replace(self._script, days=min(self._script.days, self._outcome.ended / DAY + 0.01)))
        orders = {act.order for act in self._script.acts if act.order >= 0}
        self._leave_out(sorted(orders), self._without_orders)
        self._leave_out([do for do in Do if do is not Do.PLACE], self._without_kinds)
        self._leave_out(self._script.spells, self._without_spells)
        self._leave_out([act for act in self._script.acts if act.do is not Do.PLACE], self._without_acts)
        return self._script, self._outcome

    def _leave_out(self, parts: Sequence[Part], without: Callable[[Sequence[Part]], Script]) -> None:
        """Try without halves, quarters and so on down to single parts."""
        size = max(1, len(parts) // 2)
        kept = list(parts)
        while kept and self._runs < MOST_RUNS:
            for start in range(0, len(kept), size):
                chunk = kept[start : start + size]
                if chunk and self._try(without(chunk)):
                    kept = [part for part in kept if part not in chunk]
                    break
            else:
                if size == 1:
                    return
                size = max(1, size // 2)

    def _try(self, script: Script) -> bool:
        if self._runs >= MOST_RUNS:
            return False
        self._runs += 1
        outcome = self._run(script)
        if outcome.invariant != self._outcome.invariant:
            return False
        self._script, self._outcome = script, outcome
        return True

    def _without_orders(self, orders: Sequence[int]) -> Script:
        return self._only(lambda act: act.order not in orders)

    def _without_kinds(self, kinds: Sequence[Do]) -> Script:
        return self._only(lambda act: act.do not in kinds)

    def _without_acts(self, acts: Sequence[Act]) -> Script:
        return self._only(lambda act: act not in acts)

    def _only(self, keep: Callable[[Act], bool]) -> Script:
        return replace(self._script, acts=tuple(act for act in self._script.acts if keep(act)))

    def _without_spells(self, spells: Sequence[Spell]) -> Script:
        kept = tuple(spell for spell in self._script.spells if spell not in spells)
        return replace(self._script, spells=kept)
