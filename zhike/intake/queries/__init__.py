"""Every read of the intake context."""

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

__all__ = [
    "REASONS",
    "FieldChoice",
    "MoveCounts",
    "MoveView",
    "NotAMapping",
    "Preview",
    "QuarantinedView",
    "RunView",
    "SavedMappingView",
    "balance_move",
    "balance_moves",
    "fields",
    "mapping_of_text",
    "mapping_toml",
    "preview",
    "quarantine_csv",
    "quarantined",
    "quarantined_row",
    "reason_sentence",
    "run",
    "runs",
    "saved_mappings",
]
