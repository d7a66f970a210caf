"""Every read of forms."""

from zhike.webforms.queries.answers import (
    AnswerView,
    DeedView,
    FieldFigures,
    Figures,
    FileRef,
    answer,
    answer_file,
    answers_of,
    answers_page,
    exported,
    figures,
)
from zhike.webforms.queries.forms import (
    FormView,
    OpenForm,
    VersionRow,
    form,
    forms,
    open_form,
    version_definition,
    versions,
)
from zhike.webforms.queries.found import ANSWERS, EDIT, EXPORT, SUBMIT, VIEW, encrypted_columns
from zhike.webforms.rules.answers import (
    FILE_BYTES_MAX,
    FILES_MAX,
    FORM_LASTS,
    Reading,
    Upload,
    holds,
    read,
    shown,
)
from zhike.webforms.rules.definition import (
    ASKING,
    CHOOSING,
    KINDS,
    PROFILE,
    SAYING,
    SCALES,
    WORDED,
    Condition,
    Definition,
    EnrolDeed,
    Fault,
    Field,
    TicketDeed,
    added,
    as_json,
    moved,
    next_key,
    of_json,
    operators,
    removed,
    replaced,
)

__all__ = [
    "ANSWERS", "ASKING", "CHOOSING", "EDIT", "EXPORT", "FILES_MAX", "FILE_BYTES_MAX", "FORM_LASTS", "KINDS", "PROFILE", "SAYING",
    "SCALES", "SUBMIT", "VIEW", "WORDED", "AnswerView", "Condition", "DeedView", "Definition", "EnrolDeed", "Fault", "Field",
    "FieldFigures", "Figures", "FileRef", "FormView", "OpenForm", "Reading", "TicketDeed", "Upload", "VersionRow", "added",
    "answer", "answer_file", "answers_of", "answers_page", "as_json", "encrypted_columns", "exported", "figures", "form",
    "forms", "holds", "moved", "next_key", "of_json", "open_form", "operators", "read", "removed", "replaced", "shown",
    "version_definition", "versions",
]  # fmt: skip
