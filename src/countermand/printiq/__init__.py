"""The printIQ MIS: its settings, its client, and how its words map to ours."""

from countermand.printiq.hooks import parse_hook
from countermand.printiq.mis import PrintIQMis
from countermand.printiq.settings import PrintIQSettings

__all__ = ["PrintIQMis", "PrintIQSettings", "parse_hook"]
