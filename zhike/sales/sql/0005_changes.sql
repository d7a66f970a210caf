-- Which transaction wrote a receipt or changed it last: readers that must not miss a late committer go by it.
-- What was there before has 0, in a default of its own: one that is computed would rewrite the table while every till waits.
ALTER TABLE sales_receipt ADD COLUMN xid xid8 NOT NULL DEFAULT '0';
ALTER TABLE sales_receipt ALTER COLUMN xid SET DEFAULT pg_current_xact_id();
CREATE INDEX receipt_xid ON sales_receipt (xid);

-- A line is written with its receipt; only what is changed later says so itself, so that a sale costs nothing more.
ALTER TABLE sales_receiptline ADD COLUMN xid xid8;
CREATE INDEX line_changed ON sales_receiptline (xid) WHERE xid IS NOT NULL;

CREATE FUNCTION sales_mark_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.xid := pg_current_xact_id();
    RETURN NEW;
END $$;

CREATE TRIGGER sales_receipt_changes BEFORE UPDATE ON sales_receipt
    FOR EACH ROW EXECUTE FUNCTION sales_mark_change();
CREATE TRIGGER sales_receiptline_changes BEFORE UPDATE ON sales_receiptline
    FOR EACH ROW EXECUTE FUNCTION sales_mark_change();

-- Receipts that are there no longer; one that comes back counts as there.
CREATE FUNCTION sales_mark_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO sales_receiptgone (receipt_id, xid) SELECT id, pg_current_xact_id() FROM gone
    ON CONFLICT (receipt_id) DO UPDATE SET xid = excluded.xid;
    RETURN NULL;
END $$;

CREATE TRIGGER sales_receipt_gone AFTER DELETE ON sales_receipt REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION sales_mark_gone();
