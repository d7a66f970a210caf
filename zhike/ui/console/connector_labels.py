"""Words of the pages of connectors."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

CONNECTOR_KINDS = {
    "tills": _("Uploads of tills (SOAP)"),
    "folder": _("Watched folder"),
    "database": _("Database"),
}
CONNECTOR_STATES = {
    "off": _("Switched off"),
    "failing": _("Failing"),
    "silent": _("Never heard"),
    "works": _("Works"),
}
CONNECTOR_STATE_TONES = {"off": "", "failing": "error", "silent": "warning", "works": "success"}
CONNECTOR_ACTIONS = {
    "connector.create": _("Connector made"),
    "connector.update": _("Connector changed"),
    "connector.start": _("Connector started by hand"),
    "till_credential.create": _("Credential of a till made"),
    "till_credential.rotate": _("Credential of a till got a new password"),
    "till_credential.revoke": _("Credential of a till revoked"),
    "till_credential.tills": _("Tills of a merchant changed"),
    "till_upload.replayed": _("Upload of a till replayed"),
    "till_upload.discarded": _("Upload of a till discarded"),
}
CONNECTOR_SUBJECTS = {
    "connector": _("Connector"),
    "till_credential": _("Credential of a till"),
    "till_upload": _("Upload of a till"),
}
