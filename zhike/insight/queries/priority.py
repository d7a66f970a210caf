"""Value times risk: how many stand where, for a plan of whom to spend on."""

from __future__ import annotations

from zhike.insight.queries._audience import VIEW
from zhike.insight.queries.churn import fetched, in_scope
from zhike.insight.rules.churn import HIGH, MIDDLE
from zhike.insight.rules.priority import Cell
from zhike.kernel.access import Viewer, require
from zhike.kernel.fragments import Sql

_CELLS = """SELECT CASE WHEN tenth <= 2 THEN 'top' WHEN tenth <= 5 THEN 'middle' ELSE 'rest' END AS value,
    CASE WHEN risk_bp >= %s THEN 'high' WHEN risk_bp >= %s THEN 'middle' ELSE 'low' END AS band,
    count(*), sum(value_fen)::bigint, sum(value_fen * risk_bp / 10000)::bigint FROM (
    SELECT s.risk_bp, f.value_fen, ntile(10) OVER (ORDER BY f.value_fen DESC, s.member_id) AS tenth
    FROM insight_churnscore s JOIN insight_forecast f USING (member_id) JOIN ("""


def priority_cells(viewer: Viewer) -> list[Cell]:
    """Members in the viewer's scope who have a score and of whom spend is expected, by value and risk. Raises NotAllowed."""
    require(viewer, VIEW)
    statement = Sql(_CELLS, (HIGH, MIDDLE)) + in_scope(viewer) + Sql(") x GROUP BY 1, 2 ORDER BY 1, 2")
    return [Cell(row[0], row[1], row[2], int(row[3]), int(row[4])) for row in fetched(statement)]
