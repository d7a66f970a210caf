-- The limit: the same rows by hand, knowing the answers beforehand. No rules, no JSON to take apart.
CREATE OR REPLACE FUNCTION bench_claim(p_batch bigint, p_member bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    code text := upper(substr(md5(random()::text), 1, 16));
    person bigint;
    made bigint;
    left_over integer;
    one_each integer;
BEGIN
    SELECT stock - issued, per_member INTO left_over, one_each FROM offers_couponbatch WHERE id = p_batch;
    IF left_over <= 0 THEN
        RETURN NULL;
    END IF;
    SELECT person_id INTO person FROM loyalty_member WHERE id = p_member;
    INSERT INTO offers_batchholding AS h (batch_id, member_id, taken) VALUES (p_batch, p_member, 1)
    ON CONFLICT (batch_id, member_id) DO UPDATE SET taken = h.taken + 1 WHERE one_each = 0 OR h.taken < one_each;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', code, sha256(code::bytea), 201, '{issued_body}'::jsonb);
    INSERT INTO offers_coupon (batch_id, member_id, code, status, valid_from, valid_until, source, reference, issued_at,
        issued_by, end_reason)
    VALUES (p_batch, p_member, code, 'issued', at, at + interval '7 days', 'claim', '', at, 'api:1', '') RETURNING id INTO made;
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    VALUES (uuidv7(), '/zhike/offers', 'zhike.offers.coupon_issued', 'person/' || person, 'api:1', at, '{issued}'::jsonb);
    -- Sold out in the last moment: this one forgives itself the few coupons too many that we roll back.
    UPDATE offers_couponbatch SET issued = issued + 1 WHERE id = p_batch AND issued < stock;
    RETURN made;
END $$;

CREATE SEQUENCE IF NOT EXISTS bench_coupon;

CREATE OR REPLACE FUNCTION bench_lock(p_first bigint, p_merchant bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    coupon bigint := p_first + nextval('bench_coupon');
    used bigint;
BEGIN
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', 'use' || coupon, sha256(coupon::text::bytea), 201, '{locked_body}'::jsonb);
    PERFORM 1 FROM offers_coupon WHERE id = coupon AND status = 'issued' FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no coupon %', coupon;
    END IF;
    INSERT INTO offers_couponuse (lock_id, coupon_id, merchant_id, state, basket_fen, discount_fen, lines, funding, till, number,
        business_date, locked_at, lock_until, used_by)
    VALUES (uuidv7(), coupon, p_merchant, 'locked', 6400, 2000, '[[1, 2000]]', '{"mall": 2000}', 'T1', '', current_date, at,
        at + interval '15 minutes', 'api:1') RETURNING id INTO used;
    UPDATE offers_coupon SET status = 'locked', use_id = used, lock_until = at + interval '15 minutes' WHERE id = coupon;
    RETURN used;
END $$;

CREATE OR REPLACE FUNCTION bench_confirm(p_use bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    coupon bigint;
BEGIN
    UPDATE offers_couponuse SET state = 'used', used_at = at, number = 'N1' WHERE id = p_use AND state = 'locked'
    RETURNING coupon_id INTO coupon;
    UPDATE offers_coupon SET status = 'used', lock_until = NULL, ended_at = at WHERE id = coupon;
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    VALUES (uuidv7(), '/zhike/offers', 'zhike.offers.coupon_used', 'coupon/' || coupon, 'api:1', at, '{used}'::jsonb);
    RETURN coupon;
END $$;

CREATE OR REPLACE FUNCTION bench_hold(p_member bigint, p_merchant bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    hold uuid := uuidv7();
    account bigint;
    balance_now bigint;
    lot loyalty_lot%ROWTYPE;
    moved bigint;
BEGIN
    SELECT id INTO account FROM loyalty_account WHERE member_id = p_member;
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', hold::text, sha256(hold::text::bytea), 201, '{held_body}'::jsonb);
    UPDATE loyalty_account SET balance = balance - 5, version = version + 1 WHERE id = account AND balance >= 5
    RETURNING balance INTO balance_now;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not enough points';
    END IF;
    SELECT * INTO lot FROM loyalty_lot WHERE account_id = account AND remaining >= 5 ORDER BY expires_on LIMIT 1;
    UPDATE loyalty_lot SET remaining = remaining - 5
    WHERE account_id = account AND expires_on = lot.expires_on AND funding_id = lot.funding_id;
    INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots, debt_points,
        balance_after, explanation, actor, occurred_at, posted_at)
    VALUES (account, {held_account}, 5, 'hold', 'hold:' || hold, lot.funding_id,
        jsonb_build_array(jsonb_build_array(lot.expires_on, lot.funding_id, 5)), 0, balance_now,
        '{"hold": "01a200fe-ad26-7051-a198-30b165fdde96", "rate": [100, 100]}', 'api:1', at, at)
    RETURNING id INTO moved;
    INSERT INTO loyalty_hold (id, member_id, merchant_id, points, value_fen, used_points, status, reference, transfer_id, held_at,
        held_by, expires_at)
    VALUES (hold, p_member, p_merchant, 5, 5, 0, 'open', '', moved, at, 'api:1', at + interval '15 minutes');
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    VALUES (uuidv7(), '/zhike/loyalty', 'zhike.loyalty.points_held', 'person/1', 'api:1', at, '{held}'::jsonb);
    RETURN moved;
END $$;

CREATE OR REPLACE FUNCTION bench_spend_hold(p_moved bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    taken loyalty_transfer%ROWTYPE;
    hold loyalty_hold%ROWTYPE;
    moved bigint;
BEGIN
    SELECT * INTO taken FROM loyalty_transfer WHERE id = p_moved;
    UPDATE loyalty_hold SET status = 'confirmed', used_points = points, ended_at = at
    WHERE id = substr(taken.reference, 6)::uuid AND status = 'open' RETURNING * INTO hold;
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', 'spend' || hold.id, sha256(hold.id::text::bytea), 201, '{held_body}'::jsonb);
    UPDATE loyalty_account SET version = version + 1 WHERE id = taken.debit_account_id;
    INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots, debt_points,
        balance_after, reverses_id, explanation, actor, occurred_at, posted_at)
    VALUES ({held_account}, {redeemed_account}, 5, 'redeem', 'redemption:' || hold.id, taken.funding_id, taken.lots, 0, 0, taken.id,
        '{"redemption": "01a200fe-ad26-7051-a198-30b165fdde96", "rate": [100, 100]}', 'api:1', at, at)
    RETURNING id INTO moved;
    INSERT INTO loyalty_redemption (id, member_id, merchant_id, points, value_fen, reversed_points, reference, transfer_id,
        redeemed_at, redeemed_by)
    VALUES (hold.id, hold.member_id, hold.merchant_id, 5, 5, 0, '', moved, at, 'api:1');
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data) VALUES
        (uuidv7(), '/zhike/loyalty', 'zhike.loyalty.hold_ended', 'person/1', 'api:1', at, '{ended}'::jsonb),
        (uuidv7(), '/zhike/loyalty', 'zhike.loyalty.points_redeemed', 'person/1', 'api:1', at, '{redeemed}'::jsonb);
    RETURN moved;
END $$;
