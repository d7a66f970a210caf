"""Every read of the messaging context."""

from zhike.messaging.queries.sent import (
    MessageView,
    Outbox,
    demo_phone,
    encrypted_columns,
    message_of_refusal,
    outbox,
    refusal_url,
)
from zhike.messaging.queries.vendor_accounts import (
    CHANNELS,
    AccountView,
    account,
    account_of_callback,
    accounts,
    gateway,
    gateways,
)
from zhike.messaging.queries.wordings import (
    TemplateView,
    VendorState,
    VersionView,
    approved_wording,
    template,
    templates,
    told_wording,
    version,
    versions,
)

__all__ = [
    "CHANNELS",
    "AccountView",
    "MessageView",
    "Outbox",
    "TemplateView",
    "VendorState",
    "VersionView",
    "account",
    "account_of_callback",
    "accounts",
    "approved_wording",
    "demo_phone",
    "encrypted_columns",
    "gateway",
    "gateways",
    "message_of_refusal",
    "outbox",
    "refusal_url",
    "template",
    "templates",
    "told_wording",
    "version",
    "versions",
]
