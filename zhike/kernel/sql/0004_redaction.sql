-- The log and the audit trail stay append-only, with one exception: an erasure may take words out of the columns named in
-- the trigger's arguments, in a transaction that says so (zhike.redacting). Who did what and when cannot be changed.
CREATE FUNCTION kernel_refuse_all_but_redaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('zhike.redacting', true) = 'on'
        AND to_jsonb(NEW) - TG_ARGV::text[] = to_jsonb(OLD) - TG_ARGV::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'ZK403';
END $$;

DROP TRIGGER kernel_event_is_append_only ON kernel_event;
CREATE TRIGGER kernel_event_is_append_only BEFORE UPDATE OR DELETE ON kernel_event
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_all_but_redaction('data');
DROP TRIGGER kernel_audit_is_append_only ON kernel_audit;
CREATE TRIGGER kernel_audit_is_append_only BEFORE UPDATE OR DELETE ON kernel_audit
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_all_but_redaction('actor_label', 'before', 'after', 'reason');
