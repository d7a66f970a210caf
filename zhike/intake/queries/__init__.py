"""Every read of the intake context."""

from zhike.intake.queries.fetching import PartView, fetched_parts
from zhike.intake.queries.fields import FieldChoice, fields
from zhike.intake.queries.mappings import (
    NotAMapping,
    SavedMappingView,
    mapping_of_text,
    mapping_toml,
    saved_mappings,
)
from zhike.intake.queries.moves import MoveCounts, MoveView, balance_move, balance_moves
from zhike.intake.queries.quarantine import QuarantinedView, quarantine_csv, quarantined, quarantined_row
from zhike.intake.queries.reasons import REASONS, reason_sentence
from zhike.intake.queries.runs import Preview, RunView, preview, run, runs
from zhike.intake.queries.tills import (
    ConnectorView,
    CredentialView,
    DayOfTill,
    TillSession,
    WaitingUpload,
    connector,
    connectors,
    credential,
    credentials,
    encrypted_columns,
    reconciliation,
    till_of,
    waiting_reasons,
    waiting_uploads,
)

__all__ = [
    "REASONS",
    "ConnectorView",
    "CredentialView",
    "DayOfTill",
    "FieldChoice",
    "MoveCounts",
    "MoveView",
    "NotAMapping",
    "PartView",
    "Preview",
    "QuarantinedView",
    "RunView",
    "SavedMappingView",
    "TillSession",
    "WaitingUpload",
    "balance_move",
    "balance_moves",
    "connector",
    "connectors",
    "credential",
    "credentials",
    "encrypted_columns",
    "fetched_parts",
    "fields",
    "mapping_of_text",
    "mapping_toml",
    "preview",
    "quarantine_csv",
    "quarantined",
    "quarantined_row",
    "reason_sentence",
    "reconciliation",
    "run",
    "runs",
    "saved_mappings",
    "till_of",
    "waiting_reasons",
    "waiting_uploads",
]
