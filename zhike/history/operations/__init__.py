"""What history writes: runs over the lake, figures, and the removal of somebody."""

from zhike.history.operations.exporting import (
    HistoryBusy,
    ask_export,
    export_history,
    rebuild_history,
    verify_history,
)
from zhike.history.operations.forgetting import forget_persons

__all__ = [
    "HistoryBusy",
    "ask_export",
    "export_history",
    "forget_persons",
    "rebuild_history",
    "verify_history",
]
