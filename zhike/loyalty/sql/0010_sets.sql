-- What came at the same moment is written together: one statement a table for a whole group of receipts or redemptions,
-- instead of one a table and act. A group is written whole or not at all; what is not new, or moved meanwhile, is sorted
-- out by the functions for one act, which look first.
DROP FUNCTION loyalty_take_receipt(text, text, bytea, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb, jsonb);
DROP FUNCTION loyalty_redeem(text, text, bytea, jsonb, bigint, bigint, jsonb, jsonb, jsonb);


-- Moves accounts {id, version, points, debt, qualifying_fen} by these amounts, in the order given (of their ids), and
-- writes the transfers; returns their ids in the order given. Raises ZK001 when an account has moved on from its version.
CREATE FUNCTION loyalty_post_all(p_accounts json, p_transfers json) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    moved record;
    ids bigint[];
BEGIN
    FOR moved IN
        SELECT * FROM json_to_recordset(p_accounts)
            AS a(id bigint, version bigint, points bigint, debt bigint, qualifying_fen bigint)
    LOOP
        UPDATE loyalty_account a SET balance = a.balance + moved.points, debt = a.debt + moved.debt,
            qualifying_fen = greatest(0, a.qualifying_fen + moved.qualifying_fen), version = a.version + 1
        WHERE a.id = moved.id AND a.version = moved.version;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'account % has moved on from version %', moved.id, moved.version USING ERRCODE = 'ZK001';
        END IF;
    END LOOP;
    WITH written AS (
        INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, rule_version_id,
            funding_id, lots, debt_points, balance_after, reverses_id, explanation, actor, occurred_at, posted_at)
        SELECT t.debit, t.credit, t.points, t.reason, t.reference, t.rule_version, t.funding, t.lots, t.debt_points,
            t.balance_after, t.reverses, t.explanation, t.actor, t.occurred_at, t.posted_at
        FROM json_to_recordset(p_transfers) AS t(debit bigint, credit bigint, points bigint, reason text,
            reference text, rule_version bigint, funding bigint, lots jsonb, debt_points bigint, balance_after bigint,
            reverses bigint, explanation jsonb, actor text, occurred_at timestamptz, posted_at timestamptz)
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO ids FROM written;
    RETURN ids;
END $$;

-- Receipts become points in one statement: idempotency, receipts, ledger, awards, events; all of them or none.
-- p_rest holds what few receipts have: {"caps": […], "pending": […], "tiers": […]}, or is NULL.
-- Raises ZK410 when one of them is not new, ZK001 when an account has moved.
CREATE FUNCTION loyalty_take_receipts(
    p_answers json, p_receipts json, p_lines json, p_tenders json, p_accounts json, p_lots json, p_transfers json,
    p_awards json, p_rest json, p_events json
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF p_answers IS NOT NULL THEN
        PERFORM kernel_idempotency_keep(p_answers, 201);
    END IF;
    PERFORM sales_record_receipts(p_receipts, p_lines, p_tenders);
    IF p_awards IS NOT NULL THEN
        PERFORM loyalty_post_all(p_accounts, p_transfers);
        INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
        SELECT l.account, l.expires_on, l.funding, l.points, l.points
        FROM json_to_recordset(p_lots) AS l(account bigint, expires_on date, funding bigint, points bigint)
        ON CONFLICT (account_id, expires_on, funding_id) DO UPDATE
        SET earned = loyalty_lot.earned + excluded.earned, remaining = loyalty_lot.remaining + excluded.remaining;
        INSERT INTO loyalty_award (receipt_id, account_id, tier_id, points, clawed_points, qualifying_fen, explanation,
            occurred_at)
        SELECT a.receipt, a.account, a.tier, a.points, 0, a.qualifying_fen, a.explanation, a.occurred_at
        FROM json_to_recordset(p_awards) AS a(receipt uuid, account bigint, tier bigint, points bigint,
            qualifying_fen bigint, explanation jsonb, occurred_at timestamptz);
    END IF;
    IF p_rest IS NOT NULL THEN
        INSERT INTO loyalty_capusage (account_id, rule_id, cap, period, used)
        SELECT c.account, c.rule, c.cap, c.period, greatest(0, c.points)
        FROM json_to_recordset(p_rest->'caps') AS c(account bigint, rule bigint, cap text, period date, points bigint)
        ON CONFLICT (account_id, rule_id, cap, period) DO UPDATE
        SET used = greatest(0, loyalty_capusage.used + excluded.used);
        INSERT INTO loyalty_pendingpoints (receipt_id, account_id, points, remaining, lots, available_on)
        SELECT w.receipt, w.account, w.points, w.points, w.lots, w.available_on
        FROM json_to_recordset(p_rest->'pending')
            AS w(receipt uuid, account bigint, points bigint, lots jsonb, available_on date);
        PERFORM loyalty_change_tier(t.member, t.tier, 'spend', t.reference, t.at)
        FROM json_to_recordset(p_rest->'tiers') AS t(member bigint, tier bigint, reference text, at timestamptz);
    END IF;
    PERFORM kernel_append_events(p_events);
END $$;

-- One receipt, which may be known: {"replayed": stored} | {"duplicate": receipt id} | NULL when it was taken now.
CREATE FUNCTION loyalty_take_receipt(
    p_scope text, p_key text, p_hash bytea,
    p_answers json, p_receipts json, p_lines json, p_tenders json, p_accounts json, p_lots json, p_transfers json,
    p_awards json, p_rest json, p_events json
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
    existing := sales_known_receipt(p_receipts->0);
    IF existing IS NOT NULL THEN
        RETURN jsonb_build_object('duplicate', existing);
    END IF;
    PERFORM loyalty_take_receipts(p_answers, p_receipts, p_lines, p_tenders, p_accounts, p_lots, p_transfers, p_awards,
        p_rest, p_events);
    RETURN NULL;
END $$;

-- Points of several members are spent in one statement: idempotency, ledger, redemptions, events; all of them or none.
-- p_lots {account, expires_on, funding, points} is what leaves each lot; a redemption's `transfer` is the position of its own
-- among p_transfers, from 1 (overdue lots may expire before it). Raises ZK410 and ZK001 as above.
CREATE FUNCTION loyalty_redeem_all(
    p_answers json, p_redemptions json, p_accounts json, p_lots json, p_transfers json, p_events json
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
BEGIN
    IF p_answers IS NOT NULL THEN
        PERFORM kernel_idempotency_keep(p_answers, 201);
    END IF;
    ids := loyalty_post_all(p_accounts, p_transfers);
    UPDATE loyalty_lot SET remaining = remaining - l.points
    FROM json_to_recordset(p_lots) AS l(account bigint, expires_on date, funding bigint, points bigint)
    WHERE account_id = l.account AND loyalty_lot.expires_on = l.expires_on AND funding_id = l.funding;
    INSERT INTO loyalty_redemption (id, member_id, merchant_id, points, value_fen, reversed_points, reference,
        transfer_id, redeemed_at, redeemed_by)
    SELECT r.id, r.member, r.merchant, r.points, r.value_fen, 0, r.reference, ids[r.transfer], r.at, r.by
    FROM json_to_recordset(p_redemptions) AS r(id uuid, member bigint, merchant bigint, points bigint, value_fen bigint,
        reference text, transfer integer, at timestamptz, by text);
    PERFORM kernel_append_events(p_events);
END $$;

-- One redemption, which may be known: the stored answer of the first time, or NULL when it was done now.
CREATE FUNCTION loyalty_redeem(
    p_scope text, p_key text, p_hash bytea,
    p_answers json, p_redemptions json, p_accounts json, p_lots json, p_transfers json, p_events json
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN stored->'body';
        END IF;
    END IF;
    PERFORM loyalty_redeem_all(p_answers, p_redemptions, p_accounts, p_lots, p_transfers, p_events);
    RETURN NULL;
END $$;
