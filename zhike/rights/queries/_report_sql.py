"""The statements of a compliance report: one a section, over the moments [since, until). Ids and counts, nobody's name."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import connection

from zhike.rights import rules

EXPORTS = r"(^|[._])(export|download|hand_out)"
"""Actions of the audit trail that took data out of the house."""

_COLLECTION = """
SELECT 'person', source, '', count(*) FROM customers_person WHERE created_at >= %(since)s AND created_at < %(until)s GROUP BY source
UNION ALL SELECT 'receipt', source, '', count(*) FROM sales_receipt
    WHERE recorded_at >= %(since)s AND recorded_at < %(until)s AND person_id IS NOT NULL GROUP BY source
UNION ALL SELECT 'behaviour', coalesce(s.name, ''), e.basis, e.many FROM (
    SELECT (data->>'source_id')::bigint AS source_id, coalesce(data->>'basis', '') AS basis, count(*) AS many FROM kernel_event
    WHERE type = 'zhike.collection.behaviour_observed' AND "time" >= %(since)s AND "time" < %(until)s GROUP BY 1, 2
) e LEFT JOIN collection_source s ON s.id = e.source_id
ORDER BY 1, 4 DESC, 2, 3
"""
_USE = """
SELECT purpose, channel, count(*) FILTER (WHERE status IN ('sent', 'delivered', 'unknown')),
    count(*) FILTER (WHERE status = 'refused'), count(DISTINCT person_id) FILTER (WHERE status IN ('sent', 'delivered', 'unknown'))
FROM messaging_outboundmessage WHERE created_at >= %(since)s AND created_at < %(until)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
_RETENTION = """
SELECT l.code, max(l.days), count(DISTINCT l.run_id), sum(l.rows), count(*) FILTER (WHERE l.done_at IS NULL)
FROM rights_retentionline l JOIN rights_retentionrun r ON r.id = l.run_id WHERE r.day BETWEEN %(first)s AND %(last)s
GROUP BY 1 ORDER BY 4 DESC, 1
"""
_CONSENTS = """
SELECT c.purpose, p.version, count(*) FILTER (WHERE c.decision = 'granted'), count(*) FILTER (WHERE c.decision = 'refused'),
    count(*) FILTER (WHERE c.decision = 'withdrawn'), count(DISTINCT c.person_id)
FROM privacy_consentrecord c JOIN privacy_policy p ON p.id = c.policy_id
WHERE c.decided_at >= %(since)s AND c.decided_at < %(until)s GROUP BY 1, 2 ORDER BY 1, 2
"""
_REQUESTS = """
SELECT kind, count(*), count(*) FILTER (WHERE state = 'done'), count(*) FILTER (WHERE state = 'refused'),
    count(*) FILTER (WHERE state = 'cancelled'), count(*) FILTER (WHERE state NOT IN ('done', 'refused', 'cancelled')),
    count(*) FILTER (WHERE coalesce((ended_at AT TIME ZONE 'Asia/Shanghai')::date, %(today)s) <= due_on),
    count(*) FILTER (WHERE coalesce((ended_at AT TIME ZONE 'Asia/Shanghai')::date, %(today)s) > due_on),
    round(coalesce(avg(extract(epoch FROM ended_at - asked_at) / 86400) FILTER (WHERE state = 'done'), 0), 1)::text
FROM rights_rightsrequest WHERE asked_at >= %(since)s AND asked_at < %(until)s GROUP BY 1 ORDER BY 2 DESC, 1
"""
_EXPORTS = """
SELECT action, coalesce(nullif(after->>'purpose', ''), ''), count(*), count(DISTINCT actor),
    coalesce(sum(CASE WHEN coalesce(after->>'count', after->>'rows', after->>'members') ~ '^[0-9]{1,12}$'
        THEN coalesce(after->>'count', after->>'rows', after->>'members')::bigint END), 0)::bigint
FROM kernel_audit WHERE at >= %(since)s AND at < %(until)s AND action ~ %(exports)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
_PROCESSORS = """
SELECT c.vendor, m.channel, count(*) FILTER (WHERE m.status IN ('sent', 'delivered', 'unknown')), count(DISTINCT m.person_id)
FROM messaging_outboundmessage m JOIN messaging_channelaccount c ON c.id = m.account_id
WHERE m.created_at >= %(since)s AND m.created_at < %(until)s GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
_SYSTEMS = """
SELECT e.name, to_char(e.created_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD'), cardinality(e.types), e.is_active::int,
    (SELECT count(*) FROM webhooks_deadletter d WHERE d.endpoint_id = e.id AND d.died_at >= %(since)s AND d.died_at < %(until)s)
FROM webhooks_endpoint e WHERE e.created_at < %(until)s ORDER BY 1
"""
_EXCEPTIONS = """
SELECT 'late_requests', count(*) FROM rights_rightsrequest
    WHERE asked_at < %(until)s AND due_on BETWEEN %(first)s AND %(last)s
    AND coalesce((ended_at AT TIME ZONE 'Asia/Shanghai')::date, %(today)s) > due_on
UNION ALL SELECT 'blocked_erasures', count(*) FROM rights_rightsrequest WHERE state = 'blocked' AND asked_at < %(until)s
UNION ALL SELECT 'unfinished_purges', count(*) FROM rights_retentionrun
    WHERE finished_at IS NULL AND day BETWEEN %(first)s AND %(last)s AND day < %(today)s
UNION ALL SELECT 'minors_marketed', count(*) FROM messaging_outboundmessage m JOIN customers_person p ON p.id = m.person_id
    WHERE m.purpose = 'marketing' AND m.status IN ('sent', 'delivered', 'unknown') AND m.created_at >= %(since)s
        AND m.created_at < %(until)s AND p.birthday > (m.created_at - interval '14 years')::date
UNION ALL SELECT 'left_in_clear', count(*) FROM rights_erasurestep s, jsonb_array_elements(s.outcome) o
    WHERE o->>1 = 'found' AND s.done_at >= %(since)s AND s.done_at < %(until)s
UNION ALL SELECT 'dead_letters', count(*) FROM webhooks_deadletter
    WHERE status = 'open' AND died_at >= %(since)s AND died_at < %(until)s
"""
_ACCESS = """
SELECT 'failed_log_ins', count(*) FROM organization_loginattempt
    WHERE NOT succeeded AND attempted_at >= %(since)s AND attempted_at < %(until)s
UNION ALL SELECT 'revealed', count(*) FROM kernel_audit
    WHERE action IN ('person.reveal', 'form.reveal') AND at >= %(since)s AND at < %(until)s
UNION ALL SELECT 'refused_messages', count(*) FROM messaging_outboundmessage
    WHERE status = 'refused' AND created_at >= %(since)s AND created_at < %(until)s
UNION ALL SELECT 'keys_made', count(*) FROM kernel_audit WHERE action ~ '^api_?key' AND at >= %(since)s AND at < %(until)s
"""
_SENSITIVE = """
SELECT 'minors', count(*) FROM customers_person WHERE status = 'active' AND birthday > (%(until)s - interval '14 years')::date
UNION ALL SELECT 'no_birthday', count(*) FROM customers_person WHERE status = 'active' AND birthday IS NULL
UNION ALL SELECT 'addresses', count(*) FROM customers_person WHERE status = 'active' AND address IS NOT NULL
UNION ALL SELECT 'restricted', count(*) FROM customers_person WHERE status = 'restricted'
UNION ALL SELECT 'erased', count(*) FROM rights_rightsrequest
    WHERE kind IN ('erasure', 'closing') AND state = 'done' AND ended_at >= %(since)s AND ended_at < %(until)s
"""
STATEMENTS = {
    "collection": _COLLECTION,
    "use": _USE,
    "retention": _RETENTION,
    "consents": _CONSENTS,
    "requests": _REQUESTS,
    "exports": _EXPORTS,
    "processors": _PROCESSORS,
    "systems": _SYSTEMS,
    "sensitive": _SENSITIVE,
    "access": _ACCESS,
    "exceptions": _EXCEPTIONS,
}


def rows(code: str, period: rules.Period, today: dt.date) -> list[list[Any]]:
    """A section's rows as JSON holds them, in the columns of `rules.REPORT`."""
    with connection.cursor() as cursor:
        cursor.execute(
            STATEMENTS[code],
            {
                "since": period.since,
                "until": period.until,
                "first": period.first,
                "last": period.last,
                "today": today,
                "exports": EXPORTS,
            },
        )
        return [[_plain(value) for value in row] for row in cursor.fetchall()]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else int(value or 0)
