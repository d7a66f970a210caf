"""What forms keep of a person: sheets they filled in, files they sent with them, what these brought about."""

from __future__ import annotations

from zhike.kernel.personal import BLANK, DELETE, Holding, Keeping

_GONE = {
    "person_id": "NULL", "words": "NULL", "phone": "NULL", "phone_index": "NULL", "phone_proved_at": "NULL",
    "lead": "CASE lead WHEN 'open' THEN 'dismissed' ELSE lead END",
}  # fmt: skip

HOLDINGS = (
    Holding("webforms_deed", "webforms_answer", "answer_id", "service", "service", DELETE),
    Holding(
        "webforms_answerfile", "webforms_answer", "answer_id", "service", "service", DELETE,
        export=("name", "size"), files="path",
    ),
    Holding(
        "webforms_answer", "person", "person_id", "service", "service", BLANK, "statistics",
        export=("channel", "choices", "words", "answered_at"), encrypted={"words": "webforms.answer.words"}, blanks=_GONE,
    ),
    Holding("webforms_answer", "address", "phone_index", "service", "service", BLANK, "statistics", blanks=_GONE),
)  # fmt: skip

KEEPINGS = (
    Keeping(
        "form_answers",
        "webforms_answer",
        "answered_at",
        1_095,
        days_min=30,
        blanks={"words": "NULL", "phone": "NULL", "phone_index": "NULL"},
        parts=[("webforms_answerfile", "answer_id", "path")],
    ),
)
