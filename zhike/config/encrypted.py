"""Every encrypted column. Key rotation re-encrypts them, and a key is retired only when none of them needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zhike.kernel.reencryption import EncryptedColumn


def columns() -> list[EncryptedColumn]:
    """In the order of the floors."""
    from zhike.clienteling import queries as clienteling
    from zhike.collection import queries as collection
    from zhike.customers import queries as customers
    from zhike.intake import queries as intake
    from zhike.kernel.reencryption import EncryptedColumn
    from zhike.loyalty.queries.members import CARD_FIELD
    from zhike.messaging import queries as messaging
    from zhike.organization import queries as organization
    from zhike.rewards import queries as rewards
    from zhike.rights import queries as rights
    from zhike.service import queries as service
    from zhike.webforms import queries as webforms
    from zhike.webhooks import queries as webhooks

    cards = EncryptedColumn(CARD_FIELD, "loyalty_membercard", "secret", row_column="number")
    return [
        *organization.encrypted_columns(),
        *customers.encrypted_columns(),
        *messaging.encrypted_columns(),
        *collection.encrypted_columns(),
        *webhooks.encrypted_columns(),
        *rewards.encrypted_columns(),
        *service.encrypted_columns(),
        *clienteling.encrypted_columns(),
        *webforms.encrypted_columns(),
        *rights.encrypted_columns(),
        *intake.encrypted_columns(),
        cards,
    ]
