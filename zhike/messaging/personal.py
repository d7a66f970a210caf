"""What messaging keeps of a person: what was written to them and by them, and where it went."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, Holding, Keeping, Loose

_GONE = {
    "recipient": "''", "address": "NULL", "masked": "''", "title": "NULL", "body": "''", "values": "NULL", "person_id": "NULL",
}  # fmt: skip
_MESSAGE = {
    "recipient": "messaging.outbound_message.recipient",
    "title": "messaging.outbound_message.title",
    "body": "messaging.outbound_message.body",
}

HOLDINGS = (
    Holding("messaging_deliveryreport", "messaging_outboundmessage", "message_id", "messages", "service", DELETE),
    Holding("messaging_deliveryreport", "address", "address", "messages", "service", DELETE),
    Holding(
        "messaging_outboundmessage", "person", "person_id", "messages", "service", BLANK, "statistics",
        export=(
            "channel", "purpose", "template", "recipient", "title", "body", "status", "created_at", "sent_at", "read_at",
        ),
        encrypted=_MESSAGE, blanks=_GONE,
    ),
    Holding(
        "messaging_outboundmessage", "address", "address", "messages", "service", BLANK, "statistics", blanks=_GONE
    ),
    Holding(
        "messaging_inboundmessage", "person", "person_id", "messages", "service", DELETE,
        export=("sender", "body", "is_refusal", "happened_at"),
        encrypted={"sender": "messaging.inbound_message.sender", "body": "messaging.inbound_message.body"},
    ),
    Holding("messaging_suppression", "address", "address", "messages", "marketing", DELETE, export=("reason", "created_at")),
    Holding(
        "messaging_ownquiethours", "person", "person_id", "profile", "service", DELETE,
        export=("quiet_from", "quiet_until", "updated_at"),
    ),
    Holding(
        "messaging_pushdevice", "person", "person_id", "messages", "service", DELETE,
        export=("name", "endpoint", "added_at", "used_at"),
        encrypted={"endpoint": "messaging.push_device.endpoint"},
    ),
    Holding(
        "messaging_wechatfollower", "person", "person_id", "messages", "service", DELETE,
        export=("openid", "is_following", "told_at"),
        encrypted={"openid": "messaging.wechat_follower.openid"},
    ),
    Holding(
        "messaging_subscriptionanswer", "person", "person_id", "messages", "service", DELETE,
        export=("openid", "template", "answer", "answered_at"),
        encrypted={"openid": "messaging.subscription_answer.openid"},
    ),
    Holding("messaging_subscriptionanswer", "messaging_outboundmessage", "message_id", "messages", "service", DELETE),
    Holding("messaging_contacttransfer", "messaging_staffcontact", "contact_id", "messages", "service", DELETE),
    Holding(
        "messaging_staffcontact", "person", "person_id", "messages", "service", DELETE,
        export=("outside", "state", "began_at"), encrypted={"outside": "messaging.staff_contact.outside"},
    ),
    Holding("messaging_onetimecode", "address", "index", "identity", "security", DELETE),
)  # fmt: skip

LOOSE = (Loose("messaging_channelaccount", "house"),)

KEEPINGS = (
    Keeping(
        "message_texts", "messaging_outboundmessage", "created_at", 365, days_min=30,
        blanks={"recipient": "''", "address": "NULL", "title": "NULL", "body": "''", "values": "NULL"},
        also="status NOT IN ('queued', 'sending') AND channel <> 'inbox'",
    ),
    Keeping("messages_in", "messaging_inboundmessage", "received_at", 365, days_min=30),
    Keeping("delivery_reports", "messaging_deliveryreport", "received_at", 180, days_min=30),
)  # fmt: skip
