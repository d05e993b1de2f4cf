"""Everything put together: an installation as set up, and the service that runs it."""

from countermand.app.clock import utc_now
from countermand.app.installation import ConnectionSettings, Installation, siblings
from countermand.app.running import Running
from countermand.app.service import Health, NotStoredError, Service

__all__ = [
    "ConnectionSettings",
    "Health",
    "Installation",
    "NotStoredError",
    "Running",
    "Service",
    "siblings",
    "utc_now",
]
