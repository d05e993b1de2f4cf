"""What both simulators share: the write ledger, faults, outgoing messages, serving and pages."""

from countermand.simulators.kit.calls import CallCounts, NameCall, VendorCall
from countermand.simulators.kit.control import control_routes
from countermand.simulators.kit.faults import CallFault, FaultPlan, Faults, HookFaults
from countermand.simulators.kit.ledger import WriteLedger
from countermand.simulators.kit.middleware import FaultsMiddleware, is_ignored, lag_of, token_is_expired
from countermand.simulators.kit.outbox import Message, Outbox
from countermand.simulators.kit.pages import Pages
from countermand.simulators.kit.past import Past
from countermand.simulators.kit.serving import PortError, ServerThread, listen, port_of, serve
from countermand.simulators.kit.settings import SettingsBox, SettingsError, settings_from_pairs

__all__ = [
    "CallCounts",
    "CallFault",
    "FaultPlan",
    "Faults",
    "FaultsMiddleware",
    "HookFaults",
    "Message",
    "NameCall",
    "Outbox",
    "Pages",
    "Past",
    "PortError",
    "ServerThread",
    "SettingsBox",
    "SettingsError",
    "VendorCall",
    "WriteLedger",
    "control_routes",
    "is_ignored",
    "lag_of",
    "listen",
    "port_of",
    "serve",
    "settings_from_pairs",
    "token_is_expired",
]
