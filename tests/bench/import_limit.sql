-- The result of an import, written by hand: set-based, one transaction, nothing checked that need not be.
-- `raw` holds the rows of the file as text; :names are filled in by bench_import.py.

CREATE TEMP TABLE typed AS
SELECT row_number() OVER () AS row_no, number, till, m.id AS merchant_id, (at::timestamp AT TIME ZONE 'Asia/Shanghai') AS at,
    at::date AS day, sku, raw.name, quantity::numeric AS quantity, (price::numeric * 100)::bigint AS price_fen,
    round(quantity::numeric * price::numeric * 100)::bigint AS net_fen, card, tender
FROM raw JOIN organization_merchant m ON m.code = raw.merchant AND m.mall_id = %(mall)s;

ANALYZE typed;

CREATE TEMP TABLE receipt AS
SELECT kernel_uuid7() AS id, r.*, a.id AS account_id, mb.id AS member_id, mb.person_id, mb.tier_id
FROM (SELECT number, till, merchant_id, day, min(at) AS at, min(card) AS card, min(tender) AS tender, sum(net_fen)::bigint AS net_fen
      FROM typed GROUP BY number, till, merchant_id, day) r
LEFT JOIN loyalty_member mb ON mb.number = r.card LEFT JOIN loyalty_account a ON a.member_id = mb.id;

ANALYZE receipt;

INSERT INTO sales_product (merchant_id, sku, name, price_fen)
SELECT DISTINCT ON (merchant_id, sku) merchant_id, sku, name, price_fen FROM typed ORDER BY merchant_id, sku
ON CONFLICT DO NOTHING;

INSERT INTO sales_receipt (id, kind, till, number, business_date, occurred_at, gross_fen, discount_fen, net_fen, cashier,
    source, import_id, recorded_at, recorded_by, mall_id, merchant_id, person_id)
SELECT id, 'sale', till, number, day, at, net_fen, 0, net_fen, '', 'file', %(import)s, %(now)s, 'hand', %(mall)s, merchant_id,
    person_id
FROM receipt ORDER BY at ON CONFLICT (merchant_id, till, number, business_date) DO NOTHING;

CREATE TEMP TABLE line AS
SELECT r.id AS receipt_id, (row_number() OVER (PARTITION BY r.id ORDER BY t.row_no))::smallint AS line_no, p.id AS product_id,
    t.sku, t.name, t.quantity, t.price_fen, t.net_fen
FROM typed t JOIN receipt r USING (number, till, merchant_id, day)
JOIN sales_product p ON p.merchant_id = t.merchant_id AND p.sku = t.sku;

ANALYZE line;

INSERT INTO sales_receiptline (receipt_id, line_no, product_id, sku, name, quantity, unit_price_fen, discount_fen, net_fen,
    returned_quantity, returned_fen)
SELECT receipt_id, line_no, product_id, sku, name, quantity, price_fen, 0, net_fen, 0, 0 FROM line;

INSERT INTO sales_tender (receipt_id, position, kind, amount_fen, reference) SELECT id, 1, tender, net_fen, '' FROM receipt;

SELECT FROM loyalty_account WHERE id IN (SELECT account_id FROM receipt) ORDER BY id FOR UPDATE;

-- Shares of the lines by largest remainder, as the explanation of each award shows them.
CREATE TEMP TABLE award AS
WITH shares AS (
    SELECT r.id, r.net_fen / 100 AS points, l.line_no, l.net_fen,
        CASE WHEN r.net_fen > 0 THEN (r.net_fen / 100) * l.net_fen / r.net_fen ELSE 0 END AS share,
        CASE WHEN r.net_fen > 0 THEN (r.net_fen / 100) * l.net_fen %% r.net_fen ELSE 0 END AS rest
    FROM receipt r JOIN line l ON l.receipt_id = r.id WHERE r.account_id IS NOT NULL),
ranked AS (
    SELECT *, points - sum(share) OVER (PARTITION BY id) AS missing,
        row_number() OVER (PARTITION BY id ORDER BY rest DESC, line_no) AS nth FROM shares),
lines AS (
    SELECT id, json_agg(json_build_array(line_no, net_fen, 10000, share + (nth <= missing)::int) ORDER BY line_no) AS lines
    FROM ranked GROUP BY id)
SELECT r.id, r.account_id, r.member_id, r.person_id, r.at, r.net_fen, r.net_fen / 100 AS points, lines.lines,
    (r.day + interval '24 months')::date AS later, r.spent, before.id AS tier_id, after.id AS new_tier_id,
    json_build_object('tier', before.id, 'net_fen', r.net_fen, 'points', r.net_fen / 100, 'rounding', 'down',
        'rules', json_build_array(json_build_object(
            'rule', %(rule)s, 'version', %(version)s, 'points', r.net_fen / 100, 'eligible_fen', r.net_fen,
            'base', json_build_array(1, 100), 'factors', json_build_array(), 'lines', lines.lines, 'rounded', r.net_fen / 100,
            'caps', json_build_array())))::text AS explanation
FROM (SELECT r.*, a.qualifying_fen + sum(r.net_fen) OVER (PARTITION BY r.account_id ORDER BY r.at, r.id) AS spent
      FROM receipt r JOIN loyalty_account a ON a.id = r.account_id) r
JOIN lines USING (id)
CROSS JOIN LATERAL (SELECT t.id FROM loyalty_tier t WHERE threshold_fen <= spent - net_fen ORDER BY rank DESC LIMIT 1) before
CROSS JOIN LATERAL (SELECT t.id FROM loyalty_tier t WHERE threshold_fen <= spent ORDER BY rank DESC LIMIT 1) after;

ANALYZE award;

INSERT INTO loyalty_award (receipt_id, account_id, tier_id, points, clawed_points, qualifying_fen, explanation, occurred_at)
SELECT id, account_id, tier_id, points, 0, net_fen,
    explanation::jsonb, at
FROM award;

INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, rule_version_id, funding_id, lots,
    debt_points, balance_after, explanation, actor, occurred_at, posted_at)
SELECT %(issued)s, account_id, points, 'earn', 'receipt:' || id, %(version)s, %(funding)s,
    jsonb_build_array(jsonb_build_array((date_trunc('month', later) + interval '1 month - 1 day')::date, %(funding)s, points)), 0,
    sum(points) OVER (PARTITION BY account_id ORDER BY at, id),
    jsonb_build_object('award', id, 'why', left(encode(sha256(convert_to(explanation, 'UTF8')), 'hex'), 16)), 'hand', at, %(now)s
FROM award WHERE points > 0;

INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
SELECT account_id, (date_trunc('month', later) + interval '1 month - 1 day')::date, %(funding)s, sum(points), sum(points)
FROM award WHERE points > 0 GROUP BY 1, 2
ON CONFLICT (account_id, expires_on, funding_id) DO UPDATE
SET earned = loyalty_lot.earned + excluded.earned, remaining = loyalty_lot.remaining + excluded.remaining;

UPDATE loyalty_account a SET balance = a.balance + n.points, qualifying_fen = a.qualifying_fen + n.fen, version = version + 1
FROM (SELECT account_id, sum(points) AS points, sum(net_fen) AS fen FROM award GROUP BY account_id) n WHERE a.id = n.account_id;

INSERT INTO loyalty_tierchange (member_id, before_id, after_id, cause, reference, qualifying_fen, changed_at)
SELECT member_id, tier_id, new_tier_id, 'spend', 'receipt:' || id, spent, %(now)s FROM award WHERE tier_id <> new_tier_id;

UPDATE loyalty_member m SET tier_id = n.tier_id, tier_since = %(now)s
FROM (SELECT DISTINCT ON (member_id) member_id, new_tier_id AS tier_id FROM award WHERE tier_id <> new_tier_id
      ORDER BY member_id, at DESC) n WHERE m.id = n.member_id;

INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
SELECT kernel_uuid7(), '/zhike/sales', 'zhike.sales.receipt_recorded', coalesce('person/' || person_id, 'receipt/' || id), 'hand', at,
    jsonb_build_object('receipt_id', id, 'person_id', person_id, 'merchant_id', merchant_id, 'mall_id', %(mall)s, 'kind', 'sale',
        'net_fen', net_fen, 'occurred_at', at)
FROM receipt
UNION ALL
SELECT kernel_uuid7(), '/zhike/loyalty', 'zhike.loyalty.points_earned', 'person/' || person_id, 'hand', at,
    jsonb_build_object('member_id', member_id, 'person_id', person_id, 'receipt_id', id, 'points', points, 'occurred_at', at)
FROM award WHERE points > 0
UNION ALL
SELECT kernel_uuid7(), '/zhike/loyalty', 'zhike.loyalty.tier_changed', 'person/' || person_id, 'hand', %(now)s,
    jsonb_build_object('member_id', member_id, 'person_id', person_id, 'before_id', tier_id, 'after_id', new_tier_id, 'cause', 'spend')
FROM award WHERE tier_id <> new_tier_id;
