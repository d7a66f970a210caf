"""Every write of the rights context."""

from zhike.rights.operations.asking import (
    ErasureBlocked,
    NothingToCorrect,
    OwnRequest,
    PersonGone,
    ReasonMissing,
    RequestHasEnded,
    RequestOpen,
    UnknownKind,
    approve,
    ask,
    cancel,
    lift_restriction,
    refuse,
)
from zhike.rights.operations.downloading import DownloadOver, NotYours, download, end_download
from zhike.rights.operations.erasing import STEPS, carry_out, erase_step
from zhike.rights.operations.reporting import PeriodUnusable, make_report
from zhike.rights.operations.retention import DaysOutOfRange, publish_retention, purge

__all__ = [
    "STEPS",
    "DaysOutOfRange",
    "DownloadOver",
    "ErasureBlocked",
    "NotYours",
    "NothingToCorrect",
    "OwnRequest",
    "PeriodUnusable",
    "PersonGone",
    "ReasonMissing",
    "RequestHasEnded",
    "RequestOpen",
    "UnknownKind",
    "approve",
    "ask",
    "cancel",
    "carry_out",
    "download",
    "end_download",
    "erase_step",
    "lift_restriction",
    "make_report",
    "publish_retention",
    "purge",
    "refuse",
]
