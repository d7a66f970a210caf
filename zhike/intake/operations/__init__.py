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
from zhike.intake.operations.moving import (
    BatchNameUnusable,
    MoveNotFound,
    bring_in_move,
    discard_move,
    start_move,
    work_on_move,
)
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
    "BatchNameUnusable",
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
    "MoveNotFound",
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
    "bring_in_move",
    "check",
    "correct_row",
    "delete_mapping",
    "discard_move",
    "discard_rows",
    "import_balances",
    "import_file",
    "replay_rows",
    "run",
    "save_mapping",
    "set_mapping",
    "start_check",
    "start_move",
    "start_run",
    "start_undo",
    "start_upload",
    "undo",
    "work_on_move",
]
