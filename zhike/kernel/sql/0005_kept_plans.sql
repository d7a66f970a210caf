-- As in 0001, in a language that keeps the plans of its statements for the whole session: an SQL function plans its
-- INSERT anew at every call, which cost ten times what the INSERT did.
CREATE OR REPLACE FUNCTION kernel_append_event(
    source text, type text, subject text, "time" timestamptz, data jsonb, actor text DEFAULT ''
) RETURNS uuid LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made uuid := kernel_uuid7();
BEGIN
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    VALUES (made, kernel_append_event.source, kernel_append_event.type, kernel_append_event.subject,
        kernel_append_event.actor, kernel_append_event."time", kernel_append_event.data);
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION kernel_idempotency_store(scope text, key text, hash bytea, status integer, result jsonb) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES (kernel_idempotency_store.scope, kernel_idempotency_store.key, hash,
        kernel_idempotency_store.status::smallint, result);
END $$;
