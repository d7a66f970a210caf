"""Every read of oversight."""

from zhike.risk.queries.alerts import (
    AlertRow,
    AlertView,
    Concerned,
    EvidenceView,
    FreezeOnMe,
    MeasureView,
    ObjectionView,
    alert,
    alerts,
    alerts_of_member,
    exemptions,
    freezes_of_person,
    open_alerts,
)
from zhike.risk.queries.board import Board, DetectorFigures, board
from zhike.risk.queries.detectors import (
    DetectorView,
    ParamView,
    Preview,
    PreviewLine,
    VersionView,
    detector,
    detectors,
    preview,
)
from zhike.risk.queries.known import second_person_points
from zhike.risk.queries.sentences import NAMES as DETECTOR_NAMES
from zhike.risk.queries.sentences import PARAMS as DETECTOR_PARAMS
from zhike.risk.queries.sentences import detector_name, finding_sentence

__all__ = [
    "DETECTOR_NAMES",
    "DETECTOR_PARAMS",
    "AlertRow",
    "AlertView",
    "Board",
    "Concerned",
    "DetectorFigures",
    "DetectorView",
    "EvidenceView",
    "FreezeOnMe",
    "MeasureView",
    "ObjectionView",
    "ParamView",
    "Preview",
    "PreviewLine",
    "VersionView",
    "alert",
    "alerts",
    "alerts_of_member",
    "board",
    "detector",
    "detector_name",
    "detectors",
    "exemptions",
    "finding_sentence",
    "freezes_of_person",
    "open_alerts",
    "preview",
    "second_person_points",
]
