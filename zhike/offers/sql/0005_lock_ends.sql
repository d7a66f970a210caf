-- As in 0002, but coupons are found by their own ids, which the uses name: there is no index on the use of a coupon, so
-- that every end of a lock read all coupons there are.
CREATE OR REPLACE FUNCTION offers_confirm(p_lock uuid, p_till text, p_number text, p_business_date date, p_events jsonb, p_now timestamptz, p_by text)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM 1 FROM offers_coupon c JOIN offers_couponuse u ON u.coupon_id = c.id
    WHERE u.lock_id = p_lock AND c.use_id = u.id ORDER BY c.id FOR NO KEY UPDATE OF c;
    IF EXISTS (SELECT 1 FROM offers_couponuse WHERE lock_id = p_lock AND state NOT IN ('locked', 'used')) THEN
        RETURN NULL;
    END IF;
    WITH used AS (
        UPDATE offers_couponuse SET state = 'used', used_at = p_now, used_by = p_by,
            till = coalesce(nullif(p_till, ''), till), number = coalesce(nullif(p_number, ''), number),
            business_date = coalesce(p_business_date, business_date)
        WHERE lock_id = p_lock AND state = 'locked' RETURNING id, coupon_id
    ), changed AS (
        UPDATE offers_coupon c SET status = 'used', lock_until = NULL, ended_at = p_now
        FROM used WHERE c.id = used.coupon_id AND c.use_id = used.id RETURNING c.id
    )
    SELECT count(*) INTO done FROM changed;
    IF done > 0 THEN
        PERFORM kernel_append_event(e.source, e.type, e.subject, e.time, e.data, p_by)
        FROM jsonb_to_recordset(p_events) AS e(source text, type text, subject text, "time" timestamptz, data jsonb);
    END IF;
    RETURN done;
END $$;

CREATE OR REPLACE FUNCTION offers_release(p_lock uuid, p_state text, p_now timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    done integer;
BEGIN
    PERFORM 1 FROM offers_coupon c JOIN offers_couponuse u ON u.coupon_id = c.id
    WHERE u.lock_id = p_lock AND c.use_id = u.id ORDER BY c.id FOR NO KEY UPDATE OF c;
    IF EXISTS (SELECT 1 FROM offers_couponuse WHERE lock_id = p_lock AND state IN ('used', 'kept', 'returned')) THEN
        RETURN NULL;
    END IF;
    WITH released AS (
        UPDATE offers_couponuse SET state = p_state, ended_at = p_now
        WHERE lock_id = p_lock AND state = 'locked' RETURNING id, coupon_id
    ), changed AS (
        UPDATE offers_coupon c SET status = 'issued', lock_until = NULL, use_id = NULL
        FROM released WHERE c.id = released.coupon_id AND c.use_id = released.id RETURNING c.id
    )
    SELECT count(*) INTO done FROM changed;
    RETURN done;
END $$;
