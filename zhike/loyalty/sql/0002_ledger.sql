-- Posts transfers of one member's account, decided on version p_version of it: balance, debt, lots, cap counters.
-- Raises ZK001 when the account has moved on since (read again, decide again). The UPDATE of the account row is at
-- once the lock, the optimistic check and, by its CHECK constraints, the overdraft guard. Returns the transfers' ids.
CREATE FUNCTION loyalty_post(p_account bigint, p_version bigint, p_qualifying bigint, p_transfers jsonb, p_caps jsonb)
RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    net_lots bigint := 0;
    net_debt bigint := 0;
    item record;
BEGIN
    SELECT coalesce(sum(CASE WHEN t.credit = p_account THEN t.points - t.debt_points ELSE t.debt_points - t.points END), 0),
           coalesce(sum(CASE WHEN t.credit = p_account THEN -t.debt_points ELSE t.debt_points END), 0)
    INTO net_lots, net_debt
    FROM jsonb_to_recordset(p_transfers) AS t(credit bigint, points bigint, debt_points bigint);

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
        FROM jsonb_to_recordset(p_transfers) AS t(credit bigint, lots jsonb, reverses bigint), jsonb_array_elements(t.lots) AS lot
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

-- A receipt becomes points in one statement: idempotency, receipt, ledger, award, tier, events; all or nothing.
-- p_member is NULL for a receipt of nobody. Returns {"replayed": stored} | {"duplicate": receipt id} | {"accepted": true}.
CREATE FUNCTION loyalty_take_receipt(
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

-- Moves a member to another tier and remembers why. The caller holds the account (its version moved in this transaction).
CREATE FUNCTION loyalty_change_tier(p_member bigint, p_tier bigint, p_cause text, p_reference text, p_at timestamptz)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO loyalty_tierchange (member_id, before_id, after_id, cause, reference, qualifying_fen, changed_at)
    SELECT m.id, m.tier_id, p_tier, p_cause, p_reference, a.qualifying_fen, p_at
    FROM loyalty_member m JOIN loyalty_account a ON a.member_id = m.id WHERE m.id = p_member;
    UPDATE loyalty_member SET tier_id = p_tier, tier_since = p_at WHERE id = p_member;
$$;

-- Transfers and seals are never changed or removed.
CREATE TRIGGER loyalty_transfer_is_append_only BEFORE UPDATE OR DELETE ON loyalty_transfer
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER loyalty_transfer_is_kept BEFORE TRUNCATE ON loyalty_transfer
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER loyalty_seal_is_append_only BEFORE UPDATE OR DELETE ON loyalty_seal
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER loyalty_seal_is_kept BEFORE TRUNCATE ON loyalty_seal
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();

-- A redemption in one statement: idempotency, ledger, redemption row, event. The last of p_transfers is the redemption's
-- own (overdue lots may expire before it). Returns the stored answer of the first time, or NULL when it was done now.
CREATE FUNCTION loyalty_redeem(
    p_scope text, p_key text, p_hash bytea, p_redemption jsonb, p_account bigint, p_version bigint, p_transfers jsonb,
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
    INSERT INTO loyalty_redemption (id, member_id, merchant_id, points, value_fen, reversed_points, reference,
        transfer_id, redeemed_at, redeemed_by)
    SELECT r.id, r.member, r.merchant, r.points, r.value_fen, 0, r.reference, ids[array_upper(ids, 1)], r.at, r.by
    FROM jsonb_to_record(p_redemption) AS r(id uuid, member bigint, merchant bigint, points bigint, value_fen bigint,
        reference text, at timestamptz, by text);
    PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_redemption->>'by')
    FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    IF p_key IS NOT NULL THEN
        PERFORM kernel_idempotency_store(p_scope, p_key, p_hash, 201, p_result);
    END IF;
    RETURN NULL;
END $$;

-- Which transaction wrote a transfer: readers that must not miss a late committer go by it, not by id or time.
ALTER TABLE loyalty_transfer ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();

-- The two-leg form of the transfers, members' accounts only: one row per account a transfer moved.
CREATE VIEW loyalty_entry AS
    SELECT credit_account_id AS account_id, id AS transfer_id, 1 AS sign, points AS change, lots, reason, balance_after
    FROM loyalty_transfer WHERE credit_account_id > 0
    UNION ALL
    SELECT debit_account_id, id, -1, -points, lots, reason, balance_after
    FROM loyalty_transfer WHERE debit_account_id > 0;
