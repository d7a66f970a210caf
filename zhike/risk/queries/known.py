"""What is in force: versions of detectors, exemptions, the limit above which two are needed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from zhike.kernel.errors import NotFound
from zhike.loyalty import queries as loyalty
from zhike.risk.models import DetectorVersion, Exemption, OversightPolicy
from zhike.risk.rules.deeds import Detector
from zhike.risk.rules.detectors import DETECTORS

SECOND_PERSON_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class Force:
    """A detector with the parameters in force; version 0 are those it comes with."""

    detector: Detector
    params: Mapping[str, int]
    version: int
    is_on: bool


def detector_of(code: str) -> Detector:
    """Raises NotFound."""
    if code not in DETECTORS:
        raise NotFound
    return DETECTORS[code]


def in_force(program_id: int) -> list[Force]:
    """Every detector, as its newest version says."""
    newest = {
        row.detector: row
        for row in DetectorVersion.objects.filter(program_id=program_id).order_by("version", "id")
    }
    found = []
    for code, detector in DETECTORS.items():
        row = newest.get(code)
        if row is None:
            found.append(Force(detector, detector.defaults(), 0, True))
        else:
            found.append(Force(detector, detector.defaults() | row.params, row.version, row.is_on))
    return found


def exempt_subjects(program_id: int, code: str, now: dt.datetime) -> set[str]:
    """Subjects that a detector is not to tell of today; of merged members every side."""
    today = loyalty.program_today(program_id, now)
    rows = Exemption.objects.filter(program_id=program_id, detector=code, ended_at=None, until__gte=today)
    found: set[str] = set()
    for subject in rows.values_list("subject", flat=True):
        found.add(subject)
        if subject.startswith("member:"):
            found |= {f"member:{one}" for one in loyalty.family_of(int(subject[7:]))}
    return found


def zone_of(program_id: int) -> str:
    return loyalty.program_zone(program_id)


def second_person_points(program_id: int) -> int:
    """Measures of more points than this wait for a second person."""
    row = OversightPolicy.objects.filter(program_id=program_id).first()
    return row.second_person_points if row else SECOND_PERSON_POINTS
