-- Coupons on the hot path: what a till or a crowd of claimants waits for is one round trip and one commit.

-- A member gets one coupon of a batch. The member's own holding row guards the limit per member; the batch row, which every
-- claimant of a flash sale wants, guards the stock and is touched last, so that it is held for the commit only.
-- p_person: the claimant claims for themselves and must be this member's person; NULL when somebody hands it out.
-- Returns {"coupon": …} | {"replayed": …} | {"refused": code}; raises ZK101 when the last one went in between.
CREATE FUNCTION offers_claim(
    p_scope text, p_key text, p_hash bytea, p_batch bigint, p_member bigint, p_person bigint, p_public boolean, p_code text,
    p_from timestamptz, p_until timestamptz, p_source text, p_reference text, p_event jsonb, p_now timestamptz, p_by text
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    batch offers_couponbatch%ROWTYPE;
    member record;
    coupon bigint;
    answer jsonb;
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN jsonb_build_object('replayed', stored->'body');
        END IF;
    END IF;
    SELECT * INTO batch FROM offers_couponbatch WHERE id = p_batch;
    SELECT m.person_id, m.status, m.tier_id INTO member FROM loyalty_member m WHERE m.id = p_member;
    IF batch.id IS NULL OR (p_public AND NOT batch.is_public) THEN
        RETURN '{"refused": "unknown"}';
    ELSIF member.person_id IS NULL OR (p_person IS NOT NULL AND p_person <> member.person_id) THEN
        RETURN '{"refused": "member"}';
    ELSIF member.status <> 'active' THEN
        RETURN '{"refused": "frozen"}';
    ELSIF batch.status <> 'open' OR batch.is_bearer THEN
        RETURN '{"refused": "closed"}';
    ELSIF p_public AND p_now < batch.claim_from THEN
        RETURN '{"refused": "early"}';
    ELSIF p_now >= batch.claim_until OR p_until <= p_now THEN
        RETURN '{"refused": "late"}';
    ELSIF p_public AND cardinality(batch.tier_ids) > 0 AND NOT member.tier_id = ANY(batch.tier_ids) THEN
        RETURN '{"refused": "tier"}';
    ELSIF batch.issued >= batch.stock THEN
        RETURN '{"refused": "stock"}';
    END IF;
    INSERT INTO offers_batchholding AS h (batch_id, member_id, taken) VALUES (p_batch, p_member, 1)
    ON CONFLICT (batch_id, member_id) DO UPDATE SET taken = h.taken + 1
    WHERE batch.per_member = 0 OR h.taken < batch.per_member;
    IF NOT FOUND THEN
        RETURN '{"refused": "limit"}';
    END IF;
    INSERT INTO offers_coupon (batch_id, member_id, code, status, valid_from, valid_until, source, reference, issued_at,
        issued_by, end_reason)
    VALUES (p_batch, p_member, p_code, 'issued', p_from, p_until, p_source, p_reference, p_now, p_by, '')
    RETURNING id INTO coupon;
    PERFORM kernel_append_event('/zhike/offers', 'zhike.offers.coupon_issued', 'person/' || member.person_id, p_now,
        p_event || jsonb_build_object('coupon_id', coupon, 'person_id', member.person_id), p_by);
    answer := jsonb_build_object('coupon_id', coupon, 'member_id', p_member);
    IF p_key IS NOT NULL THEN
        PERFORM kernel_idempotency_store(p_scope, p_key, p_hash, 201, answer || jsonb_build_object('code', p_code,
            'batch_id', p_batch, 'valid_from', p_from, 'valid_until', p_until));
    END IF;
    UPDATE offers_couponbatch SET issued = issued + 1 WHERE id = p_batch AND issued < stock AND status = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % has run out', p_batch USING ERRCODE = 'ZK101';
    END IF;
    RETURN jsonb_build_object('coupon', answer);
END $$;

-- Coupons for many members in one statement: all that fit the limit per member, or none when the stock does not reach.
-- p_members and p_codes run in parallel, in the order of member ids. Returns how many were issued.
CREATE FUNCTION offers_issue(
    p_batch bigint, p_members bigint[], p_codes text[], p_from timestamptz, p_until timestamptz, p_source text,
    p_reference text, p_event jsonb, p_now timestamptz, p_by text
) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    WITH batch AS MATERIALIZED (
        SELECT id, per_member FROM offers_couponbatch WHERE id = p_batch FOR NO KEY UPDATE
    ), wanted AS (
        SELECT m.id, m.person_id, w.code FROM unnest(p_members, p_codes) AS w(member_id, code)
        JOIN loyalty_member m ON m.id = w.member_id AND m.status = 'active'
    ), held AS (
        INSERT INTO offers_batchholding AS h (batch_id, member_id, taken)
        SELECT p_batch, w.id, 1 FROM wanted w, batch ORDER BY w.id
        ON CONFLICT (batch_id, member_id) DO UPDATE SET taken = h.taken + 1
        WHERE (SELECT per_member FROM batch) = 0 OR h.taken < (SELECT per_member FROM batch)
        RETURNING member_id
    ), made AS (
        INSERT INTO offers_coupon (batch_id, member_id, code, status, valid_from, valid_until, source, reference, issued_at,
            issued_by, end_reason)
        SELECT p_batch, w.id, w.code, 'issued', p_from, p_until, p_source, p_reference, p_now, p_by, ''
        FROM wanted w JOIN held ON held.member_id = w.id ORDER BY w.id
        RETURNING id, member_id
    ), told AS (
        SELECT kernel_append_event('/zhike/offers', 'zhike.offers.coupon_issued', 'person/' || w.person_id, p_now,
            p_event || jsonb_build_object('coupon_id', made.id, 'person_id', w.person_id), p_by)
        FROM made JOIN wanted w ON w.id = made.member_id
    )
    SELECT count(*) INTO done FROM told;
    UPDATE offers_couponbatch SET issued = issued + done WHERE id = p_batch AND issued + done <= stock AND status = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % has run out', p_batch USING ERRCODE = 'ZK101';
    END IF;
    RETURN done;
END $$;

-- Coupons of one basket are locked for it, or (p_final) used at once; all of them or none. A lock that has run out is no
-- lock. Raises ZK102 when a coupon is no longer as it was read: read again, decide again.
CREATE FUNCTION offers_lock(
    p_scope text, p_key text, p_hash bytea, p_lock uuid, p_head jsonb, p_uses jsonb, p_events jsonb, p_final boolean, p_result jsonb
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    at timestamptz := (p_head->>'at')::timestamptz;
    until timestamptz := (p_head->>'until')::timestamptz;
    asked record;
    coupon offers_coupon%ROWTYPE;
    use bigint;
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN stored->'body';
        END IF;
    END IF;
    FOR asked IN SELECT * FROM jsonb_to_recordset(p_uses)
        AS u(coupon bigint, discount_fen bigint, lines jsonb, funding jsonb) ORDER BY u.coupon
    LOOP
        SELECT * INTO coupon FROM offers_coupon WHERE id = asked.coupon FOR NO KEY UPDATE;
        IF coupon.valid_until <= at OR NOT (coupon.status = 'issued' OR (coupon.status = 'locked' AND coupon.lock_until <= at)) THEN
            RAISE EXCEPTION 'coupon % has moved on', asked.coupon USING ERRCODE = 'ZK102';
        END IF;
        IF coupon.use_id IS NOT NULL THEN
            UPDATE offers_couponuse SET state = 'lapsed', ended_at = at WHERE id = coupon.use_id;
        END IF;
        INSERT INTO offers_couponuse (lock_id, coupon_id, merchant_id, state, basket_fen, discount_fen, lines, funding, till,
            number, business_date, locked_at, lock_until, used_at, used_by)
        SELECT p_lock, asked.coupon, h.merchant, CASE WHEN p_final THEN 'used' ELSE 'locked' END, h.basket_fen,
            asked.discount_fen, asked.lines, asked.funding, h.till, h.number, h.business_date, at, until,
            CASE WHEN p_final THEN at END, h.by
        FROM jsonb_to_record(p_head) AS h(merchant bigint, basket_fen bigint, till text, number text, business_date date, by text)
        RETURNING id INTO use;
        UPDATE offers_coupon SET status = CASE WHEN p_final THEN 'used' ELSE 'locked' END, use_id = use,
            lock_until = CASE WHEN p_final THEN NULL ELSE until END, ended_at = CASE WHEN p_final THEN at END
        WHERE id = asked.coupon;
    END LOOP;
    PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_head->>'by')
    FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    IF p_key IS NOT NULL THEN
        PERFORM kernel_idempotency_store(p_scope, p_key, p_hash, 201, p_result);
    END IF;
    RETURN NULL;
END $$;

-- A lock becomes a use. What was confirmed before stays as it is and is answered the same way. A lock that ran out can still
-- be confirmed as long as nobody else took its coupons. Returns how many became used now, or NULL when the lock is gone.
CREATE FUNCTION offers_confirm(p_lock uuid, p_till text, p_number text, p_business_date date, p_events jsonb, p_now timestamptz, p_by text)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM 1 FROM offers_coupon c JOIN offers_couponuse u ON u.id = c.use_id
    WHERE u.lock_id = p_lock ORDER BY c.id FOR NO KEY UPDATE OF c;
    IF EXISTS (SELECT 1 FROM offers_couponuse WHERE lock_id = p_lock AND state NOT IN ('locked', 'used')) THEN
        RETURN NULL;
    END IF;
    WITH used AS (
        UPDATE offers_couponuse SET state = 'used', used_at = p_now, used_by = p_by,
            till = coalesce(nullif(p_till, ''), till), number = coalesce(nullif(p_number, ''), number),
            business_date = coalesce(p_business_date, business_date)
        WHERE lock_id = p_lock AND state = 'locked' RETURNING id
    ), changed AS (
        UPDATE offers_coupon SET status = 'used', lock_until = NULL, ended_at = p_now
        WHERE use_id IN (SELECT id FROM used) RETURNING id
    )
    SELECT count(*) INTO done FROM changed;
    IF done > 0 THEN
        PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_by)
        FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    END IF;
    RETURN done;
END $$;

-- A lock is given up: its coupons can be used again. Released before: nothing to do. Returns NULL when they were used.
CREATE FUNCTION offers_release(p_lock uuid, p_state text, p_now timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM 1 FROM offers_coupon c JOIN offers_couponuse u ON u.id = c.use_id
    WHERE u.lock_id = p_lock ORDER BY c.id FOR NO KEY UPDATE OF c;
    IF EXISTS (SELECT 1 FROM offers_couponuse WHERE lock_id = p_lock AND state IN ('used', 'kept', 'returned')) THEN
        RETURN NULL;
    END IF;
    WITH released AS (
        UPDATE offers_couponuse SET state = p_state, ended_at = p_now
        WHERE lock_id = p_lock AND state = 'locked' RETURNING id
    ), changed AS (
        UPDATE offers_coupon SET status = 'issued', lock_until = NULL, use_id = NULL
        WHERE use_id IN (SELECT id FROM released) RETURNING id
    )
    SELECT count(*) INTO done FROM changed;
    RETURN done;
END $$;

-- Coupons past their end, oldest first, at most so many at a time; each tells its member's timeline. Returns how many.
CREATE FUNCTION offers_expire(p_now timestamptz, p_most integer) RETURNS integer LANGUAGE sql AS $$
    WITH due AS (
        SELECT id FROM offers_coupon WHERE status = 'issued' AND valid_until <= p_now
        ORDER BY valid_until LIMIT p_most FOR NO KEY UPDATE SKIP LOCKED
    ), ended AS (
        UPDATE offers_coupon c SET status = 'expired', ended_at = p_now FROM due WHERE c.id = due.id
        RETURNING c.id, c.batch_id, c.member_id, c.valid_until
    ), told AS (
        SELECT kernel_append_event('/zhike/offers', 'zhike.offers.coupon_expired',
            coalesce('person/' || m.person_id, 'coupon/' || e.id), e.valid_until,
            jsonb_build_object('coupon_id', e.id, 'batch_id', e.batch_id, 'person_id', m.person_id), 'system:nightly')
        FROM ended e LEFT JOIN loyalty_member m ON m.id = e.member_id
    )
    SELECT count(*)::integer FROM told
$$;

-- HOT updates need room on the page of rows that change on the hot path.
ALTER TABLE offers_couponbatch SET (fillfactor = 50);
ALTER TABLE offers_coupon SET (fillfactor = 80);
