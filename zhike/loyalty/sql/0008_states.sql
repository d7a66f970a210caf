-- As in 0002, and now a posting may also hold transfers between two system accounts (points that begin or cease to wait):
-- they are written and move nothing of the member's account.
CREATE OR REPLACE FUNCTION loyalty_post(p_account bigint, p_version bigint, p_qualifying bigint, p_transfers jsonb, p_caps jsonb)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    net_lots bigint := 0;
    net_debt bigint := 0;
    item record;
BEGIN
    SELECT coalesce(sum(CASE WHEN t.credit = p_account THEN t.points - t.debt_points
                             WHEN t.debit = p_account THEN t.debt_points - t.points END), 0),
           coalesce(sum(CASE WHEN t.credit = p_account THEN -t.debt_points
                             WHEN t.debit = p_account THEN t.debt_points END), 0)
    INTO net_lots, net_debt
    FROM jsonb_to_recordset(p_transfers) AS t(debit bigint, credit bigint, points bigint, debt_points bigint);

    UPDATE loyalty_account SET balance = balance + net_lots, debt = debt + net_debt,
        qualifying_fen = greatest(0, qualifying_fen + p_qualifying), version = version + 1
    WHERE id = p_account AND version = p_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'account % has moved on from version %', p_account, p_version USING ERRCODE = 'ZK001';
    END IF;

    FOR item IN
        SELECT (lot->>0)::date AS expires_on, (lot->>1)::bigint AS funding_id,
            sum(CASE WHEN t.credit = p_account THEN (lot->>2)::bigint ELSE -(lot->>2)::bigint END) AS change,
            sum(CASE WHEN t.credit = p_account AND t.reverses IS NULL THEN (lot->>2)::bigint ELSE 0 END) AS earned
        FROM jsonb_to_recordset(p_transfers) AS t(debit bigint, credit bigint, lots jsonb, reverses bigint),
            jsonb_array_elements(t.lots) AS lot
        WHERE p_account IN (t.debit, t.credit)
        GROUP BY 1, 2
    LOOP
        UPDATE loyalty_lot SET remaining = remaining + item.change, earned = earned + item.earned
        WHERE account_id = p_account AND expires_on = item.expires_on AND funding_id = item.funding_id;
        IF NOT FOUND THEN
            INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
            VALUES (p_account, item.expires_on, item.funding_id, item.earned, item.change);
        END IF;
    END LOOP;

    WITH written AS (
        INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, rule_version_id,
            funding_id, lots, debt_points, balance_after, reverses_id, explanation, actor, occurred_at, posted_at)
        SELECT t.debit, t.credit, t.points, t.reason, t.reference, t.rule_version, t.funding, t.lots, t.debt_points,
            t.balance_after, t.reverses, t.explanation, t.actor, t.occurred_at, t.posted_at
        FROM jsonb_to_recordset(p_transfers) AS t(debit bigint, credit bigint, points bigint, reason text,
            reference text, rule_version bigint, funding bigint, lots jsonb, debt_points bigint, balance_after bigint,
            reverses bigint, explanation jsonb, actor text, occurred_at timestamptz, posted_at timestamptz)
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO ids FROM written;

    IF p_caps <> '[]' THEN
        INSERT INTO loyalty_capusage (account_id, rule_id, cap, period, used)
        SELECT p_account, c.rule, c.cap, c.period, greatest(0, c.points)
        FROM jsonb_to_recordset(p_caps) AS c(rule bigint, cap text, period date, points bigint)
        ON CONFLICT (account_id, rule_id, cap, period) DO UPDATE
        SET used = greatest(0, loyalty_capusage.used + (
            SELECT c.points FROM jsonb_to_recordset(p_caps) AS c(rule bigint, cap text, period date, points bigint)
            WHERE c.rule = excluded.rule_id AND c.cap = excluded.cap AND c.period = excluded.period));
    END IF;
    RETURN ids;
END $$;

-- As in 0002, and points that wait for the return window to close get their row.
CREATE OR REPLACE FUNCTION loyalty_take_receipt(
    p_scope text, p_key text, p_hash bytea, p_receipt jsonb, p_lines jsonb, p_tenders jsonb, p_member jsonb,
    p_transfers jsonb, p_caps jsonb, p_explanation jsonb, p_events jsonb, p_result jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    existing uuid;
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN jsonb_build_object('replayed', stored->'body');
        END IF;
    END IF;
    existing := sales_record_receipt(p_receipt, p_lines, p_tenders);
    IF existing IS NOT NULL THEN
        RETURN jsonb_build_object('duplicate', existing);
    END IF;
    IF p_member IS NOT NULL THEN
        PERFORM loyalty_post((p_member->>'account')::bigint, (p_member->>'version')::bigint,
            (p_member->>'qualifying')::bigint, p_transfers, p_caps);
        INSERT INTO loyalty_award (receipt_id, account_id, tier_id, points, clawed_points, qualifying_fen, explanation, occurred_at)
        VALUES ((p_receipt->>'id')::uuid, (p_member->>'account')::bigint, (p_member->>'tier')::bigint,
            (p_explanation->>'points')::bigint, 0, (p_member->>'qualifying')::bigint, p_explanation,
            (p_receipt->>'occurred_at')::timestamptz);
        IF p_member ? 'pending' THEN
            INSERT INTO loyalty_pendingpoints (receipt_id, account_id, points, remaining, lots, available_on)
            SELECT (p_receipt->>'id')::uuid, (p_member->>'account')::bigint, w.points, w.points, w.lots, w.available_on
            FROM jsonb_to_record(p_member->'pending') AS w(points bigint, lots jsonb, available_on date);
        END IF;
        IF p_member ? 'new_tier' THEN
            PERFORM loyalty_change_tier((p_member->>'member')::bigint, (p_member->>'new_tier')::bigint, 'spend',
                'receipt:' || (p_receipt->>'id'), (p_receipt->>'recorded_at')::timestamptz);
        END IF;
    END IF;
    PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_receipt->>'recorded_by')
    FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    IF p_key IS NOT NULL THEN
        PERFORM kernel_idempotency_store(p_scope, p_key, p_hash, 201, p_result);
    END IF;
    RETURN jsonb_build_object('accepted', true);
END $$;

-- Points set aside in one statement: idempotency, ledger, hold. The last of p_transfers is the hold's own (overdue lots
-- may expire before it). Returns the stored answer of the first time, or NULL when it was done now.
CREATE FUNCTION loyalty_hold_points(
    p_scope text, p_key text, p_hash bytea, p_hold jsonb, p_account bigint, p_version bigint, p_transfers jsonb,
    p_events jsonb, p_result jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    ids bigint[];
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN stored->'body';
        END IF;
    END IF;
    ids := loyalty_post(p_account, p_version, 0, p_transfers, '[]');
    INSERT INTO loyalty_hold (id, member_id, merchant_id, points, value_fen, used_points, status, reference,
        transfer_id, held_at, held_by, expires_at)
    SELECT h.id, h.member, h.merchant, h.points, h.value_fen, 0, 'open', h.reference, ids[array_upper(ids, 1)], h.at,
        h.by, h.expires_at
    FROM jsonb_to_record(p_hold) AS h(id uuid, member bigint, merchant bigint, points bigint, value_fen bigint,
        reference text, at timestamptz, by text, expires_at timestamptz);
    PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_hold->>'by')
    FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    IF p_key IS NOT NULL THEN
        PERFORM kernel_idempotency_store(p_scope, p_key, p_hash, 201, p_result);
    END IF;
    RETURN NULL;
END $$;
