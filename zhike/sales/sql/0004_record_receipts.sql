DROP FUNCTION sales_record_receipt(jsonb, jsonb, jsonb);

-- Writes many new receipts with their lines and tenders, one statement a table. Raises ZK410 and writes none when one of
-- the natural keys exists; sales_known_receipt tells which. Lines and tenders name their receipt.
CREATE FUNCTION sales_record_receipts(p_receipts json, p_lines json, p_tenders json) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    written integer;
BEGIN
    INSERT INTO sales_receipt (id, mall_id, merchant_id, person_id, kind, till, number, business_date, occurred_at,
        original_id, gross_fen, discount_fen, net_fen, cashier, source, import_id, recorded_at, recorded_by)
    SELECT r.id, r.mall_id, r.merchant_id, r.person_id, r.kind, r.till, r.number, r.business_date, r.occurred_at,
        r.original_id, r.gross_fen, r.discount_fen, r.net_fen, r.cashier, r.source, r.import_id, r.recorded_at, r.recorded_by
    FROM json_to_recordset(p_receipts) AS r(id uuid, mall_id bigint, merchant_id bigint, person_id bigint, kind text,
        till text, number text, business_date date, occurred_at timestamptz, original_id uuid, gross_fen bigint,
        discount_fen bigint, net_fen bigint, cashier text, source text, import_id uuid, recorded_at timestamptz,
        recorded_by text)
    ON CONFLICT (merchant_id, till, number, business_date) DO NOTHING;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> json_array_length(p_receipts) THEN
        RAISE EXCEPTION 'a receipt with this number is known' USING ERRCODE = 'ZK410';
    END IF;
    INSERT INTO sales_receiptline (receipt_id, line_no, product_id, category_id, sku, name, quantity, unit_price_fen,
        discount_fen, net_fen, original_line_no, returned_quantity, returned_fen)
    SELECT l.receipt_id, l.line_no, l.product_id, l.category_id, l.sku, l.name, l.quantity, l.unit_price_fen,
        l.discount_fen, l.net_fen, l.original_line_no, 0, 0
    FROM json_to_recordset(p_lines) AS l(receipt_id uuid, line_no smallint, product_id bigint, category_id bigint,
        sku text, name text, quantity numeric, unit_price_fen bigint, discount_fen bigint, net_fen bigint,
        original_line_no smallint);
    INSERT INTO sales_tender (receipt_id, position, kind, amount_fen, reference)
    SELECT t.receipt_id, t.position, t.kind, t.amount_fen, t.reference
    FROM json_to_recordset(p_tenders)
        AS t(receipt_id uuid, position smallint, kind text, amount_fen bigint, reference text);
END $$;

-- The id of the receipt that holds the natural key of this one, or NULL.
CREATE FUNCTION sales_known_receipt(p_receipt json) RETURNS uuid LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
        SELECT id FROM sales_receipt
        WHERE merchant_id = (p_receipt->>'merchant_id')::bigint AND till = p_receipt->>'till'
            AND number = p_receipt->>'number' AND business_date = (p_receipt->>'business_date')::date);
END $$;
