"""A stand-in for printIQ, true to `docs/simulators-printiq.md`: `run`, `create_app`, and the pure `Plant`."""

from countermand.simulators.printiq.app import create_app, run
from countermand.simulators.printiq.books import PlantError
from countermand.simulators.printiq.plant import Plant
from countermand.simulators.printiq.quoting import Invoicing, Wanted
from countermand.simulators.printiq.records import Tracking
from countermand.simulators.printiq.settings import Account, Hook, PrintIQSettings

__all__ = [
    "Account",
    "Hook",
    "Invoicing",
    "Plant",
    "PlantError",
    "PrintIQSettings",
    "Tracking",
    "Wanted",
    "create_app",
    "run",
]
