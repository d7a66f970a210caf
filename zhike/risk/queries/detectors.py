"""Detectors as they are in force, their versions, and what other parameters would have found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, require
from zhike.kernel.errors import Invalid
from zhike.loyalty import queries as loyalty
from zhike.organization import queries as organization
from zhike.risk.models import Alert, DetectorVersion
from zhike.risk.queries import reading
from zhike.risk.queries.known import Force, detector_of, exempt_subjects, in_force, zone_of
from zhike.risk.queries.sentences import NAMES, PARAMS, WHAT, finding_sentence
from zhike.risk.rules.deeds import Param

VIEW = "risk.view"
PREVIEW_DAYS = 30
SAMPLE = 10


@dataclass(frozen=True, slots=True)
class ParamView:
    name: str
    label: str
    value: int
    param: Param


@dataclass(frozen=True, slots=True)
class VersionView:
    version: int
    params: Mapping[str, int]
    is_on: bool
    note: str
    published_at: dt.datetime
    published_by: str


@dataclass(frozen=True, slots=True)
class DetectorView:
    code: str
    name: str
    what: str
    subject: str
    is_on: bool
    version: int
    days: int
    params: tuple[ParamView, ...]
    open: int
    versions: tuple[VersionView, ...] = ()


@dataclass(frozen=True, slots=True)
class PreviewLine:
    subject: str
    who: str
    member_id: int | None
    sentence: str
    severity: int
    gain_points: int


@dataclass(frozen=True, slots=True)
class Preview:
    """How many alerts the last days would have raised, by severity; ``fresh`` of them are about nobody with an open one."""

    days: int
    looked_at: int
    alerts: int
    fresh: int
    by_severity: Mapping[int, int]
    lines: tuple[PreviewLine, ...]


def detectors(viewer: Viewer) -> list[DetectorView]:
    """Every detector as it is in force. Raises NotAllowed."""
    require(viewer, VIEW)
    program_id = loyalty.default_program_id()
    return [] if program_id is None else [_view(program_id, force) for force in in_force(program_id)]


def detector(viewer: Viewer, code: str) -> DetectorView:
    """One of them, with its versions, newest first. Raises NotFound, NotAllowed."""
    require(viewer, VIEW)
    known, program_id = detector_of(code), loyalty.default_program_id() or 0
    force = next(one for one in in_force(program_id) if one.detector is known)
    rows = DetectorVersion.objects.filter(program_id=program_id, detector=code).order_by("-version")
    versions = tuple(
        VersionView(row.version, row.params, row.is_on, row.note, row.published_at, row.published_by)
        for row in rows
    )
    return _view(program_id, force, versions)


def _view(program_id: int, force: Force, versions: tuple[VersionView, ...] = ()) -> DetectorView:
    known = force.detector
    params = tuple(
        ParamView(param.name, str(PARAMS[param.name]), force.params[param.name], param)
        for param in known.params
    )
    waiting = Alert.objects.filter(
        program_id=program_id, detector=known.code, state__in=("open", "reviewing")
    ).count()
    return DetectorView(
        known.code, str(NAMES[known.code]), str(WHAT[known.code]), known.subject, force.is_on, force.version,
        known.days, params, waiting, versions,
    )  # fmt: skip


def preview(
    viewer: Viewer, code: str, params: Mapping[str, int], *, now: dt.datetime, days: int = PREVIEW_DAYS
) -> Preview:
    """What a detector with these parameters would say of everybody's last ``days``. Nothing is written.

    The same rule as in force judges the same deeds, so a preview of today's parameters counts today's alerts. Raises
    NotFound, Invalid, NotAllowed.
    """
    require(viewer, VIEW)
    known, program_id = detector_of(code), loyalty.default_program_id()
    if known.faults(params):
        raise Invalid
    if program_id is None:
        return Preview(days, 0, 0, 0, {}, ())
    zone = zone_of(program_id)
    subjects = reading.subjects_with(known, params, now - dt.timedelta(days=days), now)
    quiet = exempt_subjects(program_id, code, now)
    usual = reading.norms(now, zone)
    found = []
    for subject, deeds in reading.deeds_of(known, [one for one in subjects if one not in quiet], now, zone):
        finding = known.judge(deeds, params, usual)
        if finding is not None:
            found.append((subject, finding))
    found.sort(key=lambda one: (-one[1].weight, one[0]))
    has_one = set(
        Alert.objects.filter(
            program_id=program_id, detector=code, state__in=("open", "reviewing")
        ).values_list("subject", flat=True)
    )
    counts: dict[int, int] = {}
    for _subject, finding in found:
        counts[finding.severity] = counts.get(finding.severity, 0) + 1
    lines = tuple(
        PreviewLine(
            subject, *_who(subject), finding_sentence(code, finding.figures), finding.severity, finding.gain_points
        )
        for subject, finding in found[:SAMPLE]
    )  # fmt: skip
    fresh = sum(subject not in has_one for subject, _ in found)
    return Preview(days, len(subjects), len(found), fresh, counts, lines)


def _who(subject: str) -> tuple[str, int | None]:
    member_id = reading.member_of_subject(subject)
    if member_id is not None:
        person_id = loyalty.person_id_of(member_id)
        return customers.summaries([person_id])[person_id].name, member_id
    if subject.startswith("staff:") and subject[6:].isdecimal():
        return organization.staff_member(int(subject[6:])).name, None
    return subject.partition("/")[2] or subject, None
