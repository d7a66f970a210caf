-- Growth value is written down and never changed, like points.
CREATE TRIGGER loyalty_growth_is_append_only BEFORE UPDATE OR DELETE ON loyalty_growthtransfer
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER loyalty_growth_is_kept BEFORE TRUNCATE ON loyalty_growthtransfer
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();

-- One row per member's account an entry moved, signed.
CREATE VIEW loyalty_growthentry AS
    SELECT credit_account_id AS account_id, id AS transfer_id, growth AS change, source, reference, day, balance_after
    FROM loyalty_growthtransfer WHERE credit_account_id > 0
    UNION ALL
    SELECT debit_account_id, id, -growth, source, reference, day, balance_after
    FROM loyalty_growthtransfer WHERE debit_account_id > 0;

-- The other side of every entry, in programmes that are there already.
INSERT INTO loyalty_account (id, program_id, code, balance, debt, qualifying_fen, version)
SELECT -(p.id * 10 + 9), p.id, 'growth', 0, 0, 0, 0 FROM loyalty_program p;
