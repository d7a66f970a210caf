"""What reviews add up to: by agent, queue, item and week; how far two reviewers agree. Means are of the random share only:
what was taken for a reason is worse by construction and is counted beside it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from zhike.kernel.access import Viewer, require, visible
from zhike.service.models import QualityPick, QualityReview
from zhike.service.queries.quality import COLUMNS, REVIEW, VIEW, items_of
from zhike.service.rules import quality as rules

EXPORT_MAX = 20_000


@dataclass(frozen=True, slots=True)
class MeanRow:
    """``many`` reviews of the random share with their mean score (tenths of a percent); ``others`` were taken for a reason."""

    key: str
    name: str
    many: int
    mean: int | None
    fatal: int
    others: int

    @property
    def is_enough(self) -> bool:
        """Whether there are enough to compare with others."""
        return self.many >= rules.COMPARED_MIN


@dataclass(frozen=True, slots=True)
class ItemRow:
    """How often an item was kept, half kept, not kept; ``share`` of what applied (partly counts half)."""

    checklist: str
    code: str
    section: str
    text: str
    is_fatal: bool
    yes: int
    partly: int
    no: int
    na: int

    @property
    def many(self) -> int:
        return self.yes + self.partly + self.no

    @property
    def share(self) -> float | None:
        return (2 * self.yes + self.partly) / (2 * self.many) if self.many else None


@dataclass(frozen=True, slots=True)
class QualityReport:
    """``agreement`` over all items of conversations reviewed twice; ``apart`` of them differ by ten points or more."""

    total: MeanRow
    agents: tuple[MeanRow, ...]
    skills: tuple[MeanRow, ...]
    weeks: tuple[MeanRow, ...]
    sections: tuple[tuple[str, int, int], ...]
    items: tuple[ItemRow, ...]
    appeals: int
    changed: int
    waiting: int
    doubles: int
    apart: int
    agreement: rules.Agreement


@dataclass(frozen=True, slots=True)
class ReviewLine:
    """One finished review, for a file."""

    number: str
    week: dt.date
    agent: str
    skill: str
    reasons: tuple[str, ...]
    checklist: str
    version: int
    score: int
    is_fatal: bool
    outcome: str
    answers: dict[str, str]


def quality_report(
    viewer: Viewer, *, since: dt.date, until: dt.date, mall_id: int | None = None, agent_id: int | None = None
) -> QualityReport:
    """Reviews of conversations closed in the weeks from ``since`` to before ``until``. Agents get their own. Raises NotAllowed."""
    rows = _rows(viewer, since, until, mall_id, agent_id)
    done = list(rows.filter(done_at__isnull=False).select_related("agent", "checklist__checklist"))
    held = _held(done)
    doubles = _doubles(one for one in done if one.is_double)
    pairs = [pair for _apart, answers in doubles for pair in answers]
    agents = _grouped(
        done, lambda one: str(one.agent_id or ""), lambda one: one.agent.name if one.agent else ""
    )
    return QualityReport(
        total=_mean("", "", done),
        agents=tuple(sorted(agents, key=_by_mean)),
        skills=tuple(_grouped(done, lambda one: one.skill, lambda one: one.skill)),
        weeks=tuple(_grouped(done, lambda one: one.week.isoformat(), lambda one: one.week.isoformat())),
        sections=tuple(_sections(done, held)),
        items=tuple(_items(done, held)),
        appeals=sum(one.appealed_at is not None for one in done),
        changed=sum(one.outcome == "changed" for one in done),
        waiting=rows.filter(done_at=None).count() if viewer.may(REVIEW) else 0,
        doubles=len(doubles),
        apart=sum(apart >= 100 for apart, _answers in doubles),
        agreement=rules.agreement(pairs),
    )


def quality_lines(
    viewer: Viewer, *, since: dt.date, until: dt.date, mall_id: int | None = None
) -> list[ReviewLine]:
    """Finished reviews for a file, at most 20,000. Raises NotAllowed."""
    require(viewer, REVIEW)
    rows = _rows(viewer, since, until, mall_id, None).filter(done_at__isnull=False)
    done = list(
        rows.select_related("agent", "conversation", "checklist__checklist").order_by("week", "id")[
            :EXPORT_MAX
        ]
    )
    held = _held(done)
    return [
        ReviewLine(
            one.conversation.number,
            one.week,
            one.agent.name if one.agent else "",
            one.skill,
            tuple(one.reasons),
            one.checklist.checklist.name,
            one.checklist.version,
            one.score or 0,
            one.is_fatal,
            one.outcome,
            held[one.pk].answers if one.pk in held else {},
        )
        for one in done
    ]


def _rows(
    viewer: Viewer, since: dt.date, until: dt.date, mall_id: int | None, agent_id: int | None
) -> QuerySet[QualityPick]:
    require(viewer, VIEW)
    rows = visible(QualityPick.objects.all(), viewer, VIEW, COLUMNS).filter(week__gte=since, week__lt=until)
    if mall_id is not None:
        rows = rows.filter(mall_id=mall_id)
    return rows if agent_id is None else rows.filter(agent_id=agent_id)


def _mean(key: str, name: str, rows: list[QualityPick]) -> MeanRow:
    fair = [one for one in rows if "random" in one.reasons]
    scores = [one.score or 0 for one in fair]
    mean = (2 * sum(scores) + len(scores)) // (2 * len(scores)) if scores else None
    return MeanRow(key, name, len(fair), mean, sum(one.is_fatal for one in rows), len(rows) - len(fair))


def _grouped(
    rows: list[QualityPick], key: Callable[[QualityPick], str], name: Callable[[QualityPick], str]
) -> list[MeanRow]:
    found: dict[str, list[QualityPick]] = defaultdict(list)
    for one in rows:
        found[key(one)].append(one)
    return [_mean(code, name(many[0]), many) for code, many in sorted(found.items())]


def _by_mean(row: MeanRow) -> tuple[bool, int, str]:
    """Those who can be compared by their mean, the others after them by name: few reviews are no rank."""
    return (not row.is_enough, -(row.mean or 0) if row.is_enough else 0, row.name)


def _held(done: list[QualityPick]) -> dict[int, QualityReview]:
    """The review that holds, by pick: the appeal's, or the newest of the first reviewer."""
    found: dict[int, QualityReview] = {}
    rows = QualityReview.objects.filter(pick__in=[one.pk for one in done]).exclude(seat="second")
    for review in rows.order_by("id"):
        known = found.get(review.pick_id)
        if known is None or review.seat == "appeal" or known.seat != "appeal":
            found[review.pick_id] = review
    return found


def _sections(done: list[QualityPick], held: dict[int, QualityReview]) -> Iterator[tuple[str, int, int]]:
    """(section, mean, how many) over the random share."""
    shares: dict[str, list[int]] = defaultdict(list)
    for one in done:
        if "random" in one.reasons and one.pk in held:
            for section, share in held[one.pk].sections.items():
                shares[section].append(share)
    for section in rules.SECTIONS:
        if shares[section]:
            yield section, sum(shares[section]) // len(shares[section]), len(shares[section])


def _items(done: list[QualityPick], held: dict[int, QualityReview]) -> list[ItemRow]:
    """Every item of every checklist, the least kept first; the words are those of the newest version that was used."""
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(rules.ANSWERS, 0))
    words: dict[tuple[str, str], rules.Item] = {}
    for one in sorted(done, key=lambda pick: pick.checklist.version):
        if one.pk not in held:
            continue
        name = one.checklist.checklist.name
        for item in items_of(one.checklist):
            words[name, item.code] = item
            counts[name, item.code][held[one.pk].answers[item.code]] += 1
    rows = [
        ItemRow(name, code, item.section, item.text, item.fatal, *counts[name, code].values())
        for (name, code), item in words.items()
    ]
    return sorted(rows, key=lambda row: (1.0 if row.share is None else row.share, row.checklist, row.code))


def _doubles(picks: Iterable[QualityPick]) -> list[tuple[int, list[tuple[str, str]]]]:
    """(how far the scores are apart, answers side by side) of what both reviewers have written, in their newest versions."""
    newest: dict[tuple[int, str], QualityReview] = {}
    ids = [one.pk for one in picks]
    rows = QualityReview.objects.filter(pick__in=ids).exclude(seat="appeal").order_by("id")
    for review in rows:
        newest[review.pick_id, review.seat] = review
    found = []
    for pk in ids:
        first, second = newest.get((pk, "first")), newest.get((pk, "second"))
        if first is not None and second is not None:
            answers = [(answer, second.answers[code]) for code, answer in sorted(first.answers.items())]
            found.append((abs(first.score - second.score), answers))
    return found
