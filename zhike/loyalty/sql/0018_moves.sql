-- Points that are spent, set aside, spent from what was set aside, or given back to their lots: one statement for all of
-- it, for one act or for a whole group that came at the same moment. It takes the place of the functions for
-- redemptions (0010) and for holds (0008).
DROP FUNCTION loyalty_redeem(text, text, bytea, json, json, json, json, json, json);
DROP FUNCTION loyalty_redeem_all(json, json, json, json, json, json);
DROP FUNCTION loyalty_hold_points(text, text, bytea, jsonb, bigint, bigint, jsonb, jsonb, jsonb);

-- All of it or nothing; what is NULL has no rows. p_taken and p_given {account, expires_on, funding, points} are what leaves
-- each lot and what comes back to it. The `transfer` of a redemption or hold is the position of its own among p_transfers,
-- from 1. p_endings {id, status, used, value_fen, at} ends holds that are open.
-- Raises ZK410 when an answer is not new, ZK001 when an account or a hold has moved.
CREATE FUNCTION loyalty_move_points(
    p_answers json, p_accounts json, p_taken json, p_given json, p_transfers json, p_redemptions json, p_holds json,
    p_endings json, p_events json
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids bigint[];
    ended integer;
BEGIN
    IF p_answers IS NOT NULL THEN
        PERFORM kernel_idempotency_keep(p_answers, 201);
    END IF;
    IF p_accounts IS NOT NULL THEN
        ids := loyalty_post_all(p_accounts, p_transfers);
    END IF;
    IF p_taken IS NOT NULL THEN
        UPDATE loyalty_lot SET remaining = remaining - l.points
        FROM json_to_recordset(p_taken) AS l(account bigint, expires_on date, funding bigint, points bigint)
        WHERE account_id = l.account AND loyalty_lot.expires_on = l.expires_on AND funding_id = l.funding;
    END IF;
    IF p_given IS NOT NULL THEN
        INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining)
        SELECT l.account, l.expires_on, l.funding, 0, l.points
        FROM json_to_recordset(p_given) AS l(account bigint, expires_on date, funding bigint, points bigint)
        ON CONFLICT (account_id, expires_on, funding_id) DO UPDATE
        SET remaining = loyalty_lot.remaining + excluded.remaining;
    END IF;
    IF p_redemptions IS NOT NULL THEN
        INSERT INTO loyalty_redemption (id, member_id, merchant_id, points, value_fen, reversed_points, reference,
            transfer_id, redeemed_at, redeemed_by)
        SELECT r.id, r.member, r.merchant, r.points, r.value_fen, 0, r.reference, ids[r.transfer], r.at, r.by
        FROM json_to_recordset(p_redemptions) AS r(id uuid, member bigint, merchant bigint, points bigint,
            value_fen bigint, reference text, transfer integer, at timestamptz, by text);
    END IF;
    IF p_holds IS NOT NULL THEN
        INSERT INTO loyalty_hold (id, member_id, merchant_id, points, value_fen, used_points, status, reference,
            transfer_id, held_at, held_by, expires_at)
        SELECT h.id, h.member, h.merchant, h.points, h.value_fen, 0, 'open', h.reference, ids[h.transfer], h.at, h.by,
            h.expires_at
        FROM json_to_recordset(p_holds) AS h(id uuid, member bigint, merchant bigint, points bigint, value_fen bigint,
            reference text, transfer integer, at timestamptz, by text, expires_at timestamptz);
    END IF;
    IF p_endings IS NOT NULL THEN
        UPDATE loyalty_hold h SET status = e.status, used_points = e.used, value_fen = e.value_fen, ended_at = e.at
        FROM json_to_recordset(p_endings) AS e(id uuid, status text, used bigint, value_fen bigint, at timestamptz)
        WHERE h.id = e.id AND h.status = 'open';
        GET DIAGNOSTICS ended = ROW_COUNT;
        IF ended <> json_array_length(p_endings) THEN
            RAISE EXCEPTION 'a hold has ended meanwhile' USING ERRCODE = 'ZK001';
        END IF;
    END IF;
    IF p_events IS NOT NULL THEN
        PERFORM kernel_append_events(p_events);
    END IF;
END $$;

-- One act, which may be known: the stored answer of the first time, or NULL when it was done now.
CREATE FUNCTION loyalty_move_points_once(
    p_scope text, p_key text, p_hash bytea,
    p_answers json, p_accounts json, p_taken json, p_given json, p_transfers json, p_redemptions json, p_holds json,
    p_endings json, p_events json
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
    PERFORM loyalty_move_points(p_answers, p_accounts, p_taken, p_given, p_transfers, p_redemptions, p_holds, p_endings,
        p_events);
    RETURN NULL;
END $$;
