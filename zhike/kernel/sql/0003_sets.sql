-- Whole sets of events and answers in one statement each, for functions that do several business acts at once. All of
-- them take JSON arrays of objects.

-- Appends events {source, type, subject, time, data, actor} in the order given.
CREATE FUNCTION kernel_append_events(p_events json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    SELECT kernel_uuid7(), e.source, e.type, e.subject, e.actor, e."time", e.data
    FROM json_to_recordset(p_events)
        AS e(source text, type text, subject text, actor text, "time" timestamptz, data jsonb);
END $$;

-- Keeps answers {scope, key, hash, result} (hash in hex) to requests that nobody has made before. Raises ZK410 and keeps
-- none when one of the keys is known or in flight; kernel_idempotency_begin tells which it is.
CREATE FUNCTION kernel_idempotency_keep(p_answers json, p_status integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kept integer;
BEGIN
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    SELECT a.scope, a.key, decode(a.hash, 'hex'), p_status::smallint, a.result
    FROM json_to_recordset(p_answers) AS a(scope text, key text, hash text, result jsonb)
    WHERE pg_try_advisory_xact_lock(hashtextextended(a.scope || chr(31) || a.key, 7061))
    ON CONFLICT (scope, key) DO NOTHING;
    GET DIAGNOSTICS kept = ROW_COUNT;
    IF kept <> json_array_length(p_answers) THEN
        RAISE EXCEPTION 'an idempotency key is known or in flight' USING ERRCODE = 'ZK410';
    END IF;
END $$;
