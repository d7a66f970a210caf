"""Every read of the rights context."""

from zhike.rights.queries.catalogue import CategoryLine, ContextData, catalogue, contexts, keepings, lines
from zhike.rights.queries.certificates import verdict_on
from zhike.rights.queries.reports import ReportRow, ReportView, report, reports
from zhike.rights.queries.requests import (
    CertificateView,
    EntryView,
    RequestFile,
    RequestRow,
    certificate,
    due_requests,
    encrypted_columns,
    ended_downloads,
    own_requests,
    queue_counts,
    request_file,
    requests_of_person,
    requests_page,
    today,
)
from zhike.rights.queries.retention import ClassView, LineView, RunView, classes, runs
from zhike.rights.queries.sentences import block_sentence
from zhike.rights.queries.subjects import Loss, would_lose
from zhike.rights.rules import (
    CORRECTABLE,
    DOWNLOADS_MAX,
    KINDS,
    REPORT,
    WAITING_DAYS,
    Block,
    Period,
    last_half_year,
)

__all__ = [
    "CORRECTABLE",
    "DOWNLOADS_MAX",
    "KINDS",
    "REPORT",
    "WAITING_DAYS",
    "Block",
    "CategoryLine",
    "CertificateView",
    "ClassView",
    "ContextData",
    "EntryView",
    "LineView",
    "Loss",
    "Period",
    "ReportRow",
    "ReportView",
    "RequestFile",
    "RequestRow",
    "RunView",
    "block_sentence",
    "catalogue",
    "certificate",
    "classes",
    "contexts",
    "due_requests",
    "encrypted_columns",
    "ended_downloads",
    "keepings",
    "last_half_year",
    "lines",
    "own_requests",
    "queue_counts",
    "report",
    "reports",
    "request_file",
    "requests_of_person",
    "requests_page",
    "runs",
    "today",
    "verdict_on",
    "would_lose",
]
