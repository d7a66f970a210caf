-- Writes one receipt with its lines and tenders in one round trip (the hot path of every till).
-- Returns the id of the receipt that already holds the natural key, or NULL when this one was written.
CREATE FUNCTION sales_record_receipt(p_receipt jsonb, p_lines jsonb, p_tenders jsonb) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    written uuid;
    existing uuid;
BEGIN
    INSERT INTO sales_receipt (id, mall_id, merchant_id, person_id, kind, till, number, business_date, occurred_at,
        original_id, gross_fen, discount_fen, net_fen, cashier, source, import_id, recorded_at, recorded_by)
    SELECT r.id, r.mall_id, r.merchant_id, r.person_id, r.kind, r.till, r.number, r.business_date, r.occurred_at,
        r.original_id, r.gross_fen, r.discount_fen, r.net_fen, r.cashier, r.source, r.import_id, r.recorded_at, r.recorded_by
    FROM jsonb_to_record(p_receipt) AS r(id uuid, mall_id bigint, merchant_id bigint, person_id bigint, kind text,
        till text, number text, business_date date, occurred_at timestamptz, original_id uuid, gross_fen bigint,
        discount_fen bigint, net_fen bigint, cashier text, source text, import_id uuid, recorded_at timestamptz,
        recorded_by text)
    ON CONFLICT (merchant_id, till, number, business_date) DO NOTHING
    RETURNING id INTO written;
    IF written IS NULL THEN
        SELECT id INTO STRICT existing FROM sales_receipt
        WHERE merchant_id = (p_receipt->>'merchant_id')::bigint AND till = p_receipt->>'till'
            AND number = p_receipt->>'number' AND business_date = (p_receipt->>'business_date')::date;
        RETURN existing;
    END IF;
    INSERT INTO sales_receiptline (receipt_id, line_no, product_id, category_id, sku, name, quantity, unit_price_fen,
        discount_fen, net_fen, original_line_no, returned_quantity, returned_fen)
    SELECT written, l.line_no, l.product_id, l.category_id, l.sku, l.name, l.quantity, l.unit_price_fen,
        l.discount_fen, l.net_fen, l.original_line_no, 0, 0
    FROM jsonb_to_recordset(p_lines) AS l(line_no smallint, product_id bigint, category_id bigint, sku text, name text,
        quantity numeric, unit_price_fen bigint, discount_fen bigint, net_fen bigint, original_line_no smallint);
    INSERT INTO sales_tender (receipt_id, position, kind, amount_fen, reference)
    SELECT written, t.position, t.kind, t.amount_fen, t.reference
    FROM jsonb_to_recordset(p_tenders) AS t(position smallint, kind text, amount_fen bigint, reference text);
    RETURN NULL;
END $$;
