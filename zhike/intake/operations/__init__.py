"""Every write of the intake context."""

from zhike.intake.files import (
    EmptyFile,
    FileRefused,
    FileTooLarge,
    NoSuchSheet,
    TruncatedFile,
    UnreadableFile,
    WrongEncoding,
)
from zhike.intake.operations._runs import FileGone, ImportBusy, MappingInvalid, WrongState
from zhike.intake.operations.balances import BalancesOutcome, ColumnsMissing, import_balances
from zhike.intake.operations.quarantine import (
    CellsInvalid,
    ReplayOutcome,
    correct_row,
    discard_rows,
    replay_rows,
)
from zhike.intake.operations.running import ImportOutcome, check, import_file, run, start_check, start_run
from zhike.intake.operations.undoing import UndoOutcome, start_undo, undo
from zhike.intake.operations.uploads import (
    NameMissing,
    delete_mapping,
    save_mapping,
    set_mapping,
    start_upload,
)
from zhike.intake.rules.reconciliation import Reconciliation, Sample
from zhike.loyalty.operations import ImportInUse

__all__ = [
    "BalancesOutcome",
    "CellsInvalid",
    "ColumnsMissing",
    "EmptyFile",
    "FileGone",
    "FileRefused",
    "FileTooLarge",
    "ImportBusy",
    "ImportInUse",
    "ImportOutcome",
    "MappingInvalid",
    "NameMissing",
    "NoSuchSheet",
    "Reconciliation",
    "ReplayOutcome",
    "Sample",
    "TruncatedFile",
    "UndoOutcome",
    "UnreadableFile",
    "WrongEncoding",
    "WrongState",
    "check",
    "correct_row",
    "delete_mapping",
    "discard_rows",
    "import_balances",
    "import_file",
    "replay_rows",
    "run",
    "save_mapping",
    "set_mapping",
    "start_check",
    "start_run",
    "start_undo",
    "start_upload",
    "undo",
]
