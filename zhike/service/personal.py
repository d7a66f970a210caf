"""What service keeps of a person: what they asked, said and were told."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, KEEP, Holding, Keeping, Loose

HOLDINGS = (
    Holding("service_carriage", "service_conversation", "conversation_id", "service", "service", KEEP, "statistics"),
    Holding("service_heard", "service_conversation", "conversation_id", "service", "service", KEEP, "statistics"),
    Holding(
        "service_contact", "service_conversation", "conversation_id", "service", "service", DELETE,
        export=("masked", "address", "title", "heard_at"),
        encrypted={"address": "service.contact.address", "title": "service.contact.title"},
    ),
    Holding("service_wordalert", "service_conversation", "conversation_id", "service", "service", DELETE),
    Holding("service_messagefile", "service_message", "message_id", "service", "service", DELETE, export=("name", "size"), files="path"),
    Holding(
        "service_message", "service_conversation", "conversation_id", "service", "service", DELETE,
        export=("author_kind", "body", "folded", "written_at"),
        encrypted={"body": "service.message.body", "folded": "service.message.folded"}, also="kind <> 'note'",
    ),
    Holding("service_message", "service_conversation", "conversation_id", "service", "service", DELETE, also="kind = 'note'"),
    Holding("service_mention", "service_conversation", "conversation_id", "service", "service", DELETE),
    Holding("service_looking", "service_conversation", "conversation_id", "service", "service", DELETE),
    Holding(
        "service_qualityreview", "service_qualitypick", "pick_id", "service", "service", BLANK, "statistics",
        blanks={"notes": "'{}'", "quotes": "'{}'", "comment": "''"},
    ),
    Holding(
        "service_qualitypick", "service_conversation", "conversation_id", "service", "service", BLANK, "statistics",
        blanks={"appeal": "''", "decision": "''"},
    ),
    Holding("service_botmiss", "service_conversation", "conversation_id", "service", "service", DELETE),
    Holding(
        "service_conversation", "person", "person_id", "service", "service", BLANK, "statistics",
        export=("number", "channel", "status", "subject", "opened_at", "closed_at"),
        blanks={"handover": "'{}'", "bot_state": "'{}'"},
    ),
    Holding(
        "service_aftersaleline", "service_aftersale", "sale_id", "service", "service", KEEP, "accounting",
        export=("name", "quantity"),
    ),
    Holding("service_repairpart", "service_aftersale", "sale_id", "service", "service", KEEP, "accounting"),
    Holding(
        "service_aftersale", "service_ticket", "ticket_id", "service", "service", BLANK, "accounting",
        export=("kind", "reason", "condition", "state", "refund_fen", "promised_on", "applied_at", "ended_at"),
        blanks={"replacement": "''"},
    ),
    Holding("service_attachment", "service_entry", "entry_id", "service", "service", DELETE, export=("name", "size"), files="path"),
    Holding(
        "service_entry", "service_ticket", "ticket_id", "service", "service", BLANK, "dispute",
        export=("author_kind", "text", "written_at"), blanks={"text": "''", "details": "'{}'"},
        also="audience = 'member'",
    ),
    Holding(
        "service_entry", "service_ticket", "ticket_id", "service", "service", BLANK, "dispute",
        blanks={"text": "''", "details": "'{}'"}, also="audience <> 'member'",
    ),
    Holding(
        "service_task", "service_ticket", "ticket_id", "service", "service", BLANK, "dispute",
        blanks={"title": "'—'", "script": "''", "evidence": "'{}'", "result": "''"},
    ),
    Holding("service_ticketclock", "service_ticket", "ticket_id", "service", "service", KEEP, "statistics"),
    Holding("service_alert", "service_ticket", "ticket_id", "service", "service", KEEP, "statistics"),
    Holding(
        "service_compensation", "service_ticket", "ticket_id", "service", "service", BLANK, "accounting",
        export=("name", "amount", "state", "proposed_at", "executed_at"),
        blanks={"reason": "''", "decision_note": "''", "end_reason": "''"},
    ),
    Holding(
        "service_surveyanswer", "person", "person_id", "service", "service", BLANK, "statistics",
        export=("score", "answers", "comment", "answered_at"),
        blanks={"person_id": "NULL", "device": "NULL", "answers": "'{}'", "comment": "''"},
    ),
    *(
        Holding(
            "service_verbatim", parent, column, "service", "service", KEEP, "statistics",
            export=("sentiment", "topics", "said_at"),
        )
        for parent, column in (
            ("service_surveyanswer", "answer_id"), ("service_ticket", "ticket_id"), ("service_conversation", "conversation_id"),
        )
    ),
    Holding(
        "service_invitation", "person", "person_id", "service", "service", KEEP, "statistics",
        export=("ask_at", "sent_at", "answered_at"),
    ),
    Holding(
        "service_ticket", "person", "person_id", "service", "service", BLANK, "dispute",
        export=("number", "type", "title", "status", "opened_at", "closed_at"), blanks={"title": "'—'"},
    ),
)  # fmt: skip
LOOSE = (
    Loose("service_botexample", "sealed"),
    Loose("service_botmodel", "numbers"),
    Loose("service_coachingnote", "staff"),
    Loose("service_alertcontact", "staff"),
    Loose("service_alertnotice", "staff"),
    Loose("service_line", "sealed"),
)

KEEPINGS = (
    Keeping(
        "chats",
        "service_message",
        "written_at",
        730,
        days_min=180,
        also="conversation_id IN (SELECT id FROM service_conversation WHERE status = 'closed') AND id NOT IN"
        " (SELECT message_id FROM service_messagefile) AND id NOT IN (SELECT message_id FROM service_wordalert)",
    ),
    Keeping(
        "chat_files",
        "service_messagefile",
        "(SELECT m.written_at FROM service_message m WHERE m.id = message_id)",
        365,
        days_min=180,
        files="path",
    ),
    Keeping("word_alerts", "service_wordalert", "noticed_at", 365, days_min=180),
)
