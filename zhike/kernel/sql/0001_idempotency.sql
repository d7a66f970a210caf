-- Idempotency for functions that do a whole business act in one round trip. Begin returns NULL when the act is to be
-- done, or {"status": …, "body": …} of the time it was done. It raises ZK409 while the same key is in flight in another
-- transaction and ZK422 when the key was used for another request. The lock ends with the transaction.
CREATE FUNCTION kernel_idempotency_begin(scope text, key text, hash bytea) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    earlier kernel_idempotency%ROWTYPE;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(scope || chr(31) || key, 7061)) THEN
        RAISE EXCEPTION 'idempotency key in flight' USING ERRCODE = 'ZK409';
    END IF;
    SELECT * INTO earlier FROM kernel_idempotency i
        WHERE i.scope = kernel_idempotency_begin.scope AND i.key = kernel_idempotency_begin.key;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF earlier.request_hash <> hash THEN
        RAISE EXCEPTION 'idempotency key used for another request' USING ERRCODE = 'ZK422';
    END IF;
    RETURN jsonb_build_object('status', earlier.status, 'body', earlier.body);
END $$;

CREATE FUNCTION kernel_idempotency_store(scope text, key text, hash bytea, status integer, result jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO kernel_idempotency (scope, key, request_hash, status, body)
    VALUES (scope, key, hash, status::smallint, result)
$$;
