"""Loading forms with permission, and what of them is kept encrypted."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import QuerySet

from zhike.customers import queries as customers
from zhike.kernel import crypto
from zhike.kernel.access import Viewer, load_visible, visible
from zhike.kernel.reencryption import EncryptedColumn
from zhike.messaging import queries as messaging
from zhike.webforms.models import Answer, Form
from zhike.webforms.rules.definition import Definition

VIEW, ANSWERS, EDIT, EXPORT, SUBMIT = (
    "forms.view", "forms.answers", "forms.edit", "forms.export", "forms.submit",
)  # fmt: skip
COLUMNS = {"mall": "mall"}
WORDS_FIELD = "webforms.answer.words"
PHONE_FIELD = "webforms.answer.phone"


def encrypted_columns() -> list[EncryptedColumn]:
    """For the rotation of keys."""
    return [
        EncryptedColumn(WORDS_FIELD, "webforms_answer", "words"),
        EncryptedColumn(
            PHONE_FIELD,
            "webforms_answer",
            "phone",
            index_column="phone_index",
            index_of=messaging.address_index,
        ),
    ]


def visible_forms(viewer: Viewer, permission: str = VIEW) -> QuerySet[Form]:
    return visible(Form.objects.all(), viewer, permission, COLUMNS)


def visible_form(form_id: int, viewer: Viewer, permission: str = VIEW, *, lock: bool = False) -> Form:
    """Raises NotFound."""
    rows = Form.objects.select_for_update() if lock else Form.objects.all()
    return load_visible(rows, form_id, viewer, permission, COLUMNS)


def words_of(row: Answer) -> dict[str, Any]:
    """What somebody wrote in their own words; nothing once it is erased."""
    if row.words is None:
        return {}
    words: dict[str, Any] = json.loads(crypto.decrypt(bytes(row.words), field=WORDS_FIELD, row=str(row.pk)))
    return words


def shown_values(row: Answer, definition: Definition) -> dict[str, Any]:
    """What was said, for a page, a file or a ticket: phones are masked."""
    values = {**row.choices, **words_of(row)}
    for one in definition.asked:
        if one.kind == "phone" and one.key in values:
            normal = customers.normalised("phone", values[one.key])
            values[one.key] = customers.masked("phone", normal) if normal else "–"
    return values


def phone_of(row: Answer) -> str:
    return "" if row.phone is None else crypto.decrypt(bytes(row.phone), field=PHONE_FIELD, row=str(row.pk))
