"""Whom to tell, and what."""

from __future__ import annotations

import msgspec

from countermand.core.events import Event

#: What somebody has to know who does not sit before the console.
USUAL = (Event.TASK_OPENED, Event.TASK_CLOSED, Event.BRAKE_TRIPPED)


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """One address. `console`: where the console is reached, for links to tasks and orders."""

    name: str
    url: str
    secret: str
    events: tuple[Event, ...] = USUAL
    console: str = ""

    def __repr__(self) -> str:
        return f"Destination({self.name!r})"  # the secret, and often the address too, let people in
