-- As in 0004, and a batch may keep a part of its stock for some tiers, who claim it before everybody.
-- offers_reserved: how many are kept from others now; what is left of them goes to everybody at the opening unless it stays.
CREATE FUNCTION offers_reserved(batch offers_couponbatch, p_now timestamptz) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN batch.early_from IS NOT NULL AND (batch.early_stays OR p_now < batch.claim_from)
        THEN batch.early_quota - batch.early_taken ELSE 0 END
$$;

-- A member gets one coupon of a batch. The member's own holding row guards the limit per member; the batch row, which every
-- claimant of a flash sale wants, guards the stock and is touched last, so that it is held for the commit only.
-- p_person: the claimant claims for themselves and must be this member's person; NULL when somebody hands it out.
-- Returns {"coupon": …} | {"replayed": …} | {"refused": code}; raises ZK101 when the last one went in between.
CREATE OR REPLACE FUNCTION offers_claim(
    p_scope text, p_key text, p_hash bytea, p_batch bigint, p_member bigint, p_person bigint, p_public boolean, p_code text,
    p_from timestamptz, p_until timestamptz, p_source text, p_reference text, p_event jsonb, p_now timestamptz, p_by text
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    stored jsonb;
    batch offers_couponbatch%ROWTYPE;
    member record;
    coupon bigint;
    answer jsonb;
    is_early boolean;
    is_kept boolean;
BEGIN
    IF p_key IS NOT NULL THEN
        stored := kernel_idempotency_begin(p_scope, p_key, p_hash);
        IF stored IS NOT NULL THEN
            RETURN jsonb_build_object('replayed', stored->'body');
        END IF;
    END IF;
    SELECT * INTO batch FROM offers_couponbatch WHERE id = p_batch;
    SELECT m.person_id, o.status, o.tier_id, o.id AS owner, m.survivor_id IS NOT NULL
            OR EXISTS (SELECT FROM loyalty_member f WHERE f.survivor_id = m.id) AS is_family INTO member
    FROM loyalty_member m JOIN loyalty_member o ON o.id = coalesce(m.survivor_id, m.id) WHERE m.id = p_member;
    is_early := p_public AND batch.early_from <= p_now AND member.tier_id = ANY(batch.early_tier_ids)
        AND (batch.early_stays OR p_now < batch.claim_from);
    is_kept := coalesce(is_early, false) AND batch.early_taken < batch.early_quota;
    IF batch.id IS NULL OR (p_public AND NOT batch.is_public) THEN
        RETURN '{"refused": "unknown"}';
    ELSIF member.person_id IS NULL OR (p_person IS NOT NULL AND p_person <> member.person_id) THEN
        RETURN '{"refused": "member"}';
    ELSIF member.status <> 'active' THEN
        RETURN '{"refused": "frozen"}';
    ELSIF batch.status <> 'open' OR batch.is_bearer THEN
        RETURN '{"refused": "closed"}';
    ELSIF p_public AND p_now < batch.claim_from AND NOT is_kept THEN
        RETURN CASE WHEN coalesce(is_early, false) THEN '{"refused": "early_quota"}'::jsonb ELSE '{"refused": "early"}'::jsonb END;
    ELSIF p_now >= batch.claim_until OR p_until <= p_now THEN
        RETURN '{"refused": "late"}';
    ELSIF p_public AND NOT is_kept AND cardinality(batch.tier_ids) > 0 AND NOT member.tier_id = ANY(batch.tier_ids) THEN
        RETURN '{"refused": "tier"}';
    ELSIF batch.issued >= batch.stock - (CASE WHEN is_kept THEN 0 ELSE offers_reserved(batch, p_now) END) THEN
        RETURN '{"refused": "stock"}';
    END IF;
    IF member.is_family AND batch.per_member > 0 THEN  -- one limit for all who were merged: one of them at a time
        PERFORM pg_advisory_xact_lock(hashtextextended('offers/' || p_batch || '/' || member.owner, 0));
        IF (SELECT coalesce(sum(h.taken), 0) FROM offers_batchholding h JOIN loyalty_member f ON f.id = h.member_id
                WHERE h.batch_id = p_batch AND member.owner IN (f.id, f.survivor_id)) >= batch.per_member THEN
            RETURN '{"refused": "limit"}';
        END IF;
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
    IF is_kept THEN
        UPDATE offers_couponbatch SET issued = issued + 1, early_taken = early_taken + 1
        WHERE id = p_batch AND issued < stock AND early_taken < early_quota AND status = 'open';
        is_kept := FOUND;
        IF NOT FOUND AND p_now < batch.claim_from THEN
            RAISE EXCEPTION 'the early part of batch % has run out', p_batch USING ERRCODE = 'ZK101';
        END IF;
    END IF;
    IF NOT is_kept THEN
        UPDATE offers_couponbatch b SET issued = issued + 1
        WHERE id = p_batch AND issued < stock - offers_reserved(b, p_now) AND status = 'open';
    END IF;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % has run out', p_batch USING ERRCODE = 'ZK101';
    END IF;
    RETURN jsonb_build_object('coupon', answer);
END $$;

-- Coupons for many members in one statement: all that fit the limit per member, or none when the stock does not reach.
-- p_members and p_codes run in parallel, in the order of member ids. Returns how many were issued.
CREATE OR REPLACE FUNCTION offers_issue(
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
        WHERE (SELECT per_member FROM batch) = 0 OR NOT EXISTS (SELECT FROM loyalty_member f WHERE f.survivor_id = m.id)
            OR (SELECT coalesce(sum(h.taken), 0) FROM offers_batchholding h JOIN loyalty_member f ON f.id = h.member_id
                WHERE h.batch_id = p_batch AND m.id IN (f.id, f.survivor_id)) < (SELECT per_member FROM batch)
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
    UPDATE offers_couponbatch b SET issued = issued + done
    WHERE id = p_batch AND issued + done <= stock - offers_reserved(b, p_now) AND status = 'open';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'batch % has run out', p_batch USING ERRCODE = 'ZK101';
    END IF;
    RETURN done;
END $$;
