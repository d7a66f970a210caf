-- The whole life of a tier: what was earned and until when, what is lent above it, and every decision with its reason.

-- Decisions on members' tiers {member, tier, earned, since, until, same, cause, reference, why, actor, at, settled, due}, one a
-- member: the change with its reason, and the member as they stand from then on. ``same``: the period goes on as it was.
-- ``settled`` rows say when to look again (``due``). The caller holds the accounts; whoever decided on an older version
-- decides again.
CREATE FUNCTION loyalty_stand_all(p_rows json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO loyalty_tierchange (member_id, before_id, after_id, earned_id, until, cause, reference, qualifying_fen, why,
        actor, changed_at)
    SELECT m.id, m.tier_id, t.tier, t.earned, CASE WHEN t.same THEN m.tier_until ELSE t.until END, t.cause, t.reference, a.qualifying_fen, coalesce(t.why, '{}'),
        coalesce(t.actor, ''), t.at
    FROM json_to_recordset(p_rows) AS t(member bigint, tier bigint, earned bigint, until date, same boolean, cause text, reference text,
        why jsonb, actor text, at timestamptz)
    JOIN loyalty_member m ON m.id = t.member JOIN loyalty_account a ON a.member_id = m.id ORDER BY m.id;
    UPDATE loyalty_member m SET tier_id = t.tier, earned_tier_id = t.earned,
        tier_from = CASE WHEN t.same THEN m.tier_from ELSE t.since END,
        tier_until = CASE WHEN t.same THEN m.tier_until ELSE t.until END,
        tier_since = CASE WHEN m.tier_id = t.tier THEN m.tier_since ELSE t.at END,
        tier_due = CASE WHEN t.settled THEN t.due ELSE m.tier_due END
    FROM json_to_recordset(p_rows) AS t(member bigint, tier bigint, earned bigint, since date, until date, same boolean,
        at timestamptz, settled boolean, due timestamptz)
    WHERE m.id = t.member;
    UPDATE loyalty_account a SET version = version + 1
    FROM json_to_recordset(p_rows) AS t(member bigint) WHERE a.member_id = t.member;
END $$;

DROP FUNCTION loyalty_change_tier(bigint, bigint, text, text, timestamptz);

-- The tier that counts at a moment: the member's own row says so, unless a lent tier has begun or ended since it was settled.
CREATE FUNCTION loyalty_tier_at(p_member bigint, p_tier bigint, p_earned bigint, p_due timestamptz, p_at timestamptz)
RETURNS bigint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF p_due IS NULL OR p_due > p_at THEN
        RETURN p_tier;
    END IF;
    RETURN (
        SELECT t.id FROM loyalty_tier t
        WHERE t.id = coalesce(p_earned, p_tier) OR t.id IN (
            SELECT g.tier_id FROM loyalty_tiergrant g JOIN loyalty_member m ON m.id = g.member_id
            WHERE (m.id = p_member OR m.survivor_id = p_member) AND g.status = 'given'
                AND g.starts_at <= p_at AND g.ends_at > p_at)
        ORDER BY t.rank DESC LIMIT 1);
END $$;

-- Receipts become points in one statement: idempotency, receipts, ledger, awards, events; all of them or none.
-- p_rest holds what few receipts have: {"caps": […], "pending": […], "tiers": […]}, or is NULL.
-- Raises ZK410 when one of them is not new, ZK001 when an account has moved.
CREATE OR REPLACE FUNCTION loyalty_take_receipts(
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
        PERFORM loyalty_stand_all(p_rest->'tiers');
    END IF;
    PERFORM kernel_append_events(p_events);
END $$;
