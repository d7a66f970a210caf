-- The event log: one append-only table, a partition per month of recorded_at, one sequence for the order of appending.

CREATE FUNCTION kernel_is_disposable() RETURNS boolean LANGUAGE sql STABLE
RETURN current_database() ~ '^(test_|run_[0-9]+_)';

CREATE FUNCTION kernel_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND kernel_is_disposable() THEN
        RETURN NULL;  -- test databases are emptied between tests
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'ZK403';
END $$;

CREATE SEQUENCE kernel_event_position_seq AS bigint;

CREATE TABLE kernel_event (
    position bigint NOT NULL DEFAULT nextval('kernel_event_position_seq'),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id uuid NOT NULL,
    source text NOT NULL,
    type text NOT NULL,
    subject text NOT NULL,
    actor text NOT NULL DEFAULT '',
    "time" timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    data jsonb NOT NULL,
    PRIMARY KEY (position, recorded_at)
) PARTITION BY RANGE (recorded_at);

ALTER SEQUENCE kernel_event_position_seq OWNED BY kernel_event.position;
CREATE INDEX kernel_event_xid ON kernel_event (xid);
CREATE INDEX kernel_event_subject_time ON kernel_event (subject, "time" DESC);
CREATE INDEX kernel_event_type_position ON kernel_event (type, position);

CREATE TRIGGER kernel_event_is_append_only BEFORE UPDATE OR DELETE ON kernel_event
    FOR EACH ROW EXECUTE FUNCTION kernel_refuse_change();
CREATE TRIGGER kernel_event_is_kept BEFORE TRUNCATE ON kernel_event
    FOR EACH STATEMENT EXECUTE FUNCTION kernel_refuse_change();

CREATE TABLE kernel_event_default PARTITION OF kernel_event DEFAULT;

-- Makes the partitions of `months` months, beginning with the one that holds `since`. Rows that a stalled caretaker
-- let fall into the default partition are moved to where they belong. Returns how many partitions were made.
CREATE FUNCTION kernel_ensure_event_partitions(since timestamptz, months integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    lower_bound timestamp;
    upper_bound timestamp;
    name text;
    made integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('kernel_ensure_event_partitions'));
    FOR i IN 0 .. months - 1 LOOP
        lower_bound := date_trunc('month', since AT TIME ZONE 'UTC') + make_interval(months => i);
        upper_bound := lower_bound + interval '1 month';
        name := 'kernel_event_' || to_char(lower_bound, 'YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE kernel_event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
        IF EXISTS (SELECT FROM kernel_event_default
                   WHERE recorded_at >= lower_bound AT TIME ZONE 'UTC' AND recorded_at < upper_bound AT TIME ZONE 'UTC') THEN
            ALTER TABLE kernel_event_default DISABLE TRIGGER USER;
            EXECUTE format(
                'WITH moved AS (DELETE FROM kernel_event_default WHERE recorded_at >= %L AND recorded_at < %L RETURNING *)
                 INSERT INTO %I SELECT * FROM moved',
                lower_bound AT TIME ZONE 'UTC', upper_bound AT TIME ZONE 'UTC', name);
            ALTER TABLE kernel_event_default ENABLE TRIGGER USER;
        END IF;
        EXECUTE format('ALTER TABLE kernel_event ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                       name, lower_bound AT TIME ZONE 'UTC', upper_bound AT TIME ZONE 'UTC');
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- Appends one event from inside another function; returns its id. `kernel.events.wake()` belongs after the commit.
CREATE FUNCTION kernel_append_event(
    source text, type text, subject text, "time" timestamptz, data jsonb, actor text DEFAULT ''
) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    INSERT INTO kernel_event (id, source, type, subject, actor, "time", data)
    VALUES (kernel_uuid7(), source, type, subject, actor, "time", data)
    RETURNING id
$$;
