-- The limit: what one would write by hand for the same rows, knowing the answer beforehand. No rules, no JSON to take apart.
CREATE OR REPLACE FUNCTION bench_receipt(p_member bigint, p_merchant bigint, p_mall bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    receipt uuid := uuidv7();
    person bigint;
    account bigint;
    program bigint;
    tier bigint;
    balance_now bigint;
BEGIN
    SELECT m.person_id, m.tier_id, a.id, a.program_id INTO person, tier, account, program
    FROM loyalty_member m JOIN loyalty_account a ON a.member_id = m.id WHERE m.id = p_member;
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', receipt::text, sha256(receipt::text::bytea), 201, '{stored}'::jsonb);
    INSERT INTO sales_receipt (id, mall_id, merchant_id, person_id, kind, till, number, business_date, occurred_at, gross_fen,
        discount_fen, net_fen, cashier, source, recorded_at, recorded_by)
    VALUES (receipt, p_mall, p_merchant, person, 'sale', 'T1', receipt::text, current_date, at, 12800, 0, 12800, '', 'api', at, 'api:1')
    ON CONFLICT (merchant_id, till, number, business_date) DO NOTHING;
    INSERT INTO sales_receiptline (receipt_id, line_no, sku, name, quantity, unit_price_fen, discount_fen, net_fen,
        returned_quantity, returned_fen)
    VALUES (receipt, 1, 'LATTE', '拿铁', 2, 3200, 0, 6400, 0, 0), (receipt, 2, 'CAKE', '芝士蛋糕', 1, 6400, 0, 6400, 0, 0);
    INSERT INTO sales_tender (receipt_id, position, kind, amount_fen, reference) VALUES (receipt, 1, 'wechat', 12800, '');
    UPDATE loyalty_account SET balance = balance + 128, qualifying_fen = qualifying_fen + 12800, version = version + 1
    WHERE id = account RETURNING balance INTO balance_now;
    UPDATE loyalty_lot SET earned = earned + 128, remaining = remaining + 128
    WHERE account_id = account AND expires_on = date '2099-12-31' AND funding_id = 1;
    IF NOT FOUND THEN
        INSERT INTO loyalty_lot (account_id, expires_on, funding_id, earned, remaining) VALUES (account, '2099-12-31', 1, 128, 128);
    END IF;
    INSERT INTO loyalty_transfer (debit_account_id, credit_account_id, points, reason, reference, funding_id, lots, debt_points,
        balance_after, explanation, actor, occurred_at, posted_at)
    VALUES (-(program * 10 + 1), account, 128, 'earn', 'receipt:' || receipt, 1, '[["2099-12-31", 1, 128]]', 0, balance_now,
        '{"award": "01a200fe-ad26-7051-a198-30b165fdde96"}', 'api:1', at, at);
    INSERT INTO loyalty_award (receipt_id, account_id, tier_id, points, clawed_points, qualifying_fen, explanation, occurred_at)
    VALUES (receipt, account, tier, 128, 0, 12800, '{explanation}'::jsonb, at);
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data) VALUES
        (uuidv7(), '/zhike/sales', 'zhike.sales.receipt_recorded', 'person/1', 'api:1', at, '{recorded}'::jsonb),
        (uuidv7(), '/zhike/loyalty', 'zhike.loyalty.points_earned', 'person/1', 'api:1', at, '{earned}'::jsonb);
    RETURN balance_now;
END $$;

CREATE OR REPLACE FUNCTION bench_redemption(p_member bigint, p_merchant bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    at timestamptz := clock_timestamp();
    redemption uuid := uuidv7();
    account bigint;
    program bigint;
    balance_now bigint;
    lot loyalty_lot%ROWTYPE;
    moved bigint;
BEGIN
    SELECT id, program_id INTO account, program FROM loyalty_account WHERE member_id = p_member;
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES ('bench', redemption::text, sha256(redemption::text::bytea), 201, '{stored}'::jsonb);
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
    VALUES (account, -(program * 10 + 2), 5, 'redeem', 'redemption:' || redemption, lot.funding_id,
        jsonb_build_array(jsonb_build_array(lot.expires_on, lot.funding_id, 5)), 0, balance_now,
        '{"redemption": "01a200fe-ad26-7051-a198-30b165fdde96", "rate": [100, 100]}', 'api:1', at, at)
    RETURNING id INTO moved;
    INSERT INTO loyalty_redemption (id, member_id, merchant_id, points, value_fen, reversed_points, reference, transfer_id,
        redeemed_at, redeemed_by)
    VALUES (redemption, p_member, p_merchant, 5, 5, 0, '', moved, at, 'api:1');
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data) VALUES
        (uuidv7(), '/zhike/loyalty', 'zhike.loyalty.points_redeemed', 'person/1', 'api:1', at, '{redeemed}'::jsonb);
    RETURN balance_now;
END $$;
