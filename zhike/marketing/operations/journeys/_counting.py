"""The figures on the nodes: added to in the transaction of what they count."""

from __future__ import annotations

from collections.abc import Mapping

from zhike.kernel.statements import fetch_rows

Key = tuple[str, str, str]


def add_counts(version_id: int, counts: Mapping[Key, int]) -> None:
    """Add to (node, outcome, reason), in a fixed order, so that two workers wait for each other and never in a circle."""
    if not counts:
        return
    nodes, outcomes, reasons = zip(*sorted(counts), strict=True)
    fetch_rows(
        """INSERT INTO marketing_journeycount AS c (version_id, node, outcome, reason, count)
        SELECT %s, w.node, w.outcome, w.reason, w.count
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) AS w(node, outcome, reason, count)
        ORDER BY w.node, w.outcome, w.reason
        ON CONFLICT (version_id, node, outcome, reason) DO UPDATE SET count = c.count + EXCLUDED.count RETURNING c.id""",
        [version_id, list(nodes), list(outcomes), list(reasons), [counts[key] for key in sorted(counts)]],
    )
