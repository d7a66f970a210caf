"""The projection of how members shop."""

from __future__ import annotations

from django.db import connection

from zhike.customers import queries as customers
from zhike.kernel.access import Viewer, system_viewer

ACTOR = system_viewer("member_activity")

# Counted anew from the receipts each time, so that it cannot drift whatever happened in between or in which order.
_RECOUNT = """
INSERT INTO loyalty_memberactivity (member_id, visits, purchases, returns, spent_fen, first_purchase_at,
    last_purchase_at, last_merchant_id)
SELECT m.id, count(DISTINCT r.business_date) FILTER (WHERE r.kind = 'sale'), count(r.id) FILTER (WHERE r.kind = 'sale'),
    count(r.id) FILTER (WHERE r.kind = 'return'),
    coalesce(sum(CASE WHEN r.kind = 'sale' THEN r.net_fen ELSE -r.net_fen END), 0),
    min(r.occurred_at) FILTER (WHERE r.kind = 'sale'), max(r.occurred_at) FILTER (WHERE r.kind = 'sale'),
    (array_agg(r.merchant_id ORDER BY r.occurred_at DESC, r.id DESC) FILTER (WHERE r.kind = 'sale'))[1]
FROM loyalty_member m LEFT JOIN sales_receipt r ON r.person_id = ANY(%s)
WHERE m.person_id = %s GROUP BY m.id
ON CONFLICT (member_id) DO UPDATE SET visits = excluded.visits, purchases = excluded.purchases,
    returns = excluded.returns, spent_fen = excluded.spent_fen, first_purchase_at = excluded.first_purchase_at,
    last_purchase_at = excluded.last_purchase_at, last_merchant_id = excluded.last_merchant_id"""


_FORGET = """DELETE FROM loyalty_memberactivity WHERE member_id IN (
    SELECT id FROM loyalty_member WHERE person_id = ANY(%s))"""


def recount_activity(*, actor: Viewer, person_id: int) -> None:
    """Bring the activity of a person's membership up to date; nothing for somebody who is no member.

    Whoever was merged has none of their own: it is counted for who stands for them.
    """
    sides = list(customers.family(person_id))
    with connection.cursor() as cursor:
        if len(sides) > 1:
            cursor.execute(_FORGET, [sides[1:]])
        cursor.execute(_RECOUNT, [sides, sides[0]])


def forget_activity() -> None:
    """Empty the projection before it is derived again."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM loyalty_memberactivity")
