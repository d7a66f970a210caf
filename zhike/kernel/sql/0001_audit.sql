CREATE TRIGGER kernel_audit_is_append_only BEFORE UPDATE OR DELETE ON kernel_audit
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER kernel_audit_is_kept BEFORE TRUNCATE ON kernel_audit
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();
