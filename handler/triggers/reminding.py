"""Says so where nobody has verified the assumptions yet; what verifies them is loaded only when it is asked for."""

from __future__ import annotations

from handler.core.errors import NotAccepted, OutcomeUnknown, SettingsError
from handler.core.ports.system import Notice
from handler.triggers.context import Service

# The name under which the shelf keeps the newest result of an app.
NOTE = "verified"


def remind(service: Service) -> None:
    """Say so if nobody has verified the assumptions for this app yet, or if that cannot be read; never raises."""
    try:
        noted, because = service.shelf.noted(service.vault.current().sdkappid, NOTE), None
    except (NotAccepted, OutcomeUnknown, SettingsError) as error:
        # Whatever the event comes to will show the error itself.
        noted, because = None, type(error).__name__
    if noted is None:
        service.instance.reporter.report(Notice.ASSUMPTIONS_UNVERIFIED, because=because)
