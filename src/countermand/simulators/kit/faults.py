"""What can be made to go wrong, and the seeded plan that decides when it does."""

from random import Random
from typing import Annotated, Literal

import msgspec

FaultKind = Literal[
    "latency",  # the work starts after `seconds`
    "timeout",  # the work is done at once, the answer is withheld for `seconds`
    "drop",  # the connection closes before any work
    "error-but-applied",  # the work is done, the answer is a 500
    "5xx",  # a 503, no work
    "429",  # too many requests, with Retry-After: `seconds`
    "ok-but-ignored",  # the answer of success, no effect
    "html-200",  # an HTML page with 200, no effect
    "stale-read",  # the answer that the same request had `seconds` ago
    "lagging-read",  # the answer that what was there `seconds` ago gives, whatever was asked before
    "expired-token",  # the caller's token is taken as expired
]

Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]


class CallFault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule about incoming calls: `match` is a call name or `*`; no `times` means always."""

    match: str = "*"
    kind: FaultKind
    probability: Probability = 1.0
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seconds: Seconds = 1.0


class HookFaults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens to outgoing messages; the first three are probabilities."""

    drop: Probability = 0.0
    duplicate: Probability = 0.0
    reorder: Probability = 0.0
    delay_seconds: Seconds = 0.0


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole body of `PUT /_sim/faults`."""

    seed: int = 0
    calls: tuple[CallFault, ...] = ()
    hooks: HookFaults = HookFaults()


class HookFate(msgspec.Struct, frozen=True):
    """What becomes of one outgoing message: how many copies leave, and after how many seconds each."""

    delays: tuple[float, ...]


#: A reordered message is held this long, so that later ones overtake it.
REORDER_HOLD = (0.1, 0.5)


class FaultPlan:
    """The faults in force; every draw comes from their seed, so that a run can be repeated."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.replace(faults or Faults())

    def replace(self, faults: Faults) -> None:
        """Put `faults` in force in place of all earlier ones."""
        self.faults = faults
        self._random = Random(faults.seed)
        self.hits = [0] * len(faults.calls)

    @property
    def longest_lag(self) -> float:
        """How many seconds of the past a fault in force may ask for."""
        return max((rule.seconds for rule in self.faults.calls if rule.kind == "lagging-read"), default=0.0)

    def for_call(self, name: str) -> list[CallFault]:
        """Return the rules that strike this call, in order; counts them as used."""
        struck = []
        for index, rule in enumerate(self.faults.calls):
            if rule.match not in ("*", name) or (rule.times is not None and self.hits[index] >= rule.times):
                continue
            if self._random.random() < rule.probability:
                self.hits[index] += 1
                struck.append(rule)
        return struck

    def for_message(self) -> HookFate:
        """Decide the fate of one outgoing message."""
        hooks, draw = self.faults.hooks, self._random
        if draw.random() < hooks.drop:
            return HookFate(())
        copies = 2 if draw.random() < hooks.duplicate else 1
        return HookFate(tuple(hooks.delay_seconds + self._hold() for _ in range(copies)))

    def _hold(self) -> float:
        return (
            self._random.uniform(*REORDER_HOLD) if self._random.random() < self.faults.hooks.reorder else 0.0
        )
