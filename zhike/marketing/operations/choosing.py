"""Who of an audience a model of uplift lets in, asked again whenever a wave is filled."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from zhike.insight import queries as insight
from zhike.marketing.models import Campaign, UpliftRun
from zhike.marketing.queries.found import target_of
from zhike.marketing.queries.reviews import margin_of
from zhike.marketing.rules import uplift as rules


class Chooser:
    """Of one campaign at the opening of one wave. With the same ``cut`` the same people are chosen whenever it is asked."""

    def __init__(self, row: Campaign, at: dt.datetime, cut: float | None = None) -> None:
        self._target = target_of(row)
        self._salt, self._at, self.cut = f"campaign/{row.pk}", at, cut
        if self._target is not None:
            run = UpliftRun.objects.get(pk=self._target.run)
            self._parts = run.parts
            self._value = run.figures["purchase_fen"] * margin_of(row.group_id) / 10_000

    def look_over(self, chunks: Iterable[Sequence[int]]) -> None:
        """Find the cut from the whole audience, given as person ids; nothing to do where no model chooses or it is known."""
        if self._target is None or self.cut is not None:
            return
        scores: list[float] = []
        people = 0
        for person_ids in chunks if self._target.rule == "top" else ():
            people += len(person_ids)
            scores.extend(self._scores(person_ids).values())
        self.cut = rules.cut_of(self._target, scores, people, self._value)

    def marks(self, person_ids: Sequence[int]) -> dict[int, str]:
        """Why each is in: "score" or "explore", and "" where no model chooses; whoever is not in is not there."""
        if self._target is None:
            return dict.fromkeys(person_ids, "")
        assert self.cut is not None, "look_over comes first"
        scores = self._scores(person_ids)
        told = {
            pk: rules.mark_of(self._target, self._salt, pk, scores.get(pk), self.cut) for pk in person_ids
        }
        return {pk: mark for pk, mark in told.items() if mark is not None}

    def _scores(self, person_ids: Sequence[int]) -> dict[int, float]:
        import numpy as np

        from zhike.marketing import _uplift as models

        features = insight.features_before(person_ids, self._at)
        if not features:
            return {}
        found = models.predicted(self._parts, np.array(list(features.values())))
        return dict(zip(features, (float(one) for one in found), strict=True))
