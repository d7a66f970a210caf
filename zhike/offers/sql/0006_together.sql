-- What a decision about coupons is read by, as functions: the statement that calls one for each act of a group needs no
-- planning, however many they are, and the plans in here are kept for the whole session.

-- [[coupon with its terms' batch and its holder's standing, …], [tier, status, member] of whoever stands there or null]
CREATE FUNCTION offers_facts(p_codes text[], p_at timestamptz, p_member bigint) RETURNS json LANGUAGE plpgsql STABLE AS $$
DECLARE
    wanted text;
    coupon json;
    coupons json[] := '{}';
    standing json;
BEGIN
    FOREACH wanted IN ARRAY p_codes LOOP
        SELECT json_build_array(c.id, c.code, c.status, o.id, c.valid_from, c.valid_until, c.lock_until, b.status,
            c.batch_id, m.person_id, loyalty_tier_at(o.id, o.tier_id, o.earned_tier_id, o.tier_due, p_at), o.status)
        INTO coupon
        FROM offers_coupon c JOIN offers_couponbatch b ON b.id = c.batch_id LEFT JOIN loyalty_member m ON m.id = c.member_id
        LEFT JOIN loyalty_member o ON o.id = coalesce(m.survivor_id, m.id)
        WHERE c.code = wanted;
        IF FOUND THEN
            coupons := coupons || coupon;
        END IF;
    END LOOP;
    IF p_member IS NOT NULL THEN
        SELECT json_build_array(loyalty_tier_at(o.id, o.tier_id, o.earned_tier_id, o.tier_due, p_at), o.status, o.id)
        INTO standing
        FROM loyalty_member w JOIN loyalty_member o ON o.id = coalesce(w.survivor_id, w.id) WHERE w.id = p_member;
    END IF;
    RETURN json_build_array(to_json(coupons), standing);
END $$;

-- The uses of a lock with their coupons, in the order they were locked; NULL when there is no such lock.
CREATE FUNCTION offers_lock_uses(p_lock uuid) RETURNS json LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT json_agg(json_build_array(c.id, c.code, u.state, u.merchant_id, u.basket_fen, u.discount_fen, u.lines,
            u.funding, c.batch_id, m.person_id, u.lock_until, b.name, b.kind) ORDER BY u.id)
        FROM offers_couponuse u JOIN offers_coupon c ON c.id = u.coupon_id
        JOIN offers_couponbatch b ON b.id = c.batch_id LEFT JOIN loyalty_member m ON m.id = c.member_id
        WHERE u.lock_id = p_lock);
END $$;
