-- How connections are and were, as their workers tell: state, since when, where, and what cannot be read.
--   PJ002 the connection is not known to this login
--   PJ004 what is told is not what it is meant to be
SET LOCAL ROLE pumpjack_owner;

-- What the worker of a connection told last.
CREATE TABLE pumpjack.connection_report (
    connection_no integer PRIMARY KEY REFERENCES pumpjack.connection,
    fence bigint NOT NULL,
    told_at timestamptz NOT NULL,  -- by the clock of the database: until then the worker was there
    state_no integer NOT NULL,     -- of the state below in connection_state
    state text NOT NULL,
    since timestamptz NOT NULL,
    reason text NOT NULL,          -- one CamelCase word, '' where there is nothing to say
    message text NOT NULL,
    read_at timestamptz,           -- when the device last said anything
    endpoint text NOT NULL,        -- host and port
    journal_size bigint,           -- how much the journal may hold [bytes]
    journal_full boolean NOT NULL, -- what is read is kept nowhere
    by_exception boolean NOT NULL, -- the device tells changes only
    mapped integer NOT NULL,       -- tags that it should read
    rejected integer NOT NULL,     -- tags, and in_part of them parts of tags, that cannot be used
    in_part integer NOT NULL,
    rejected_tags jsonb NOT NULL,  -- the first 50: [{"tag", "mapping", "reason"}]
    problems jsonb NOT NULL,       -- what else a person should know: at most 8 sentences
    interval_s double precision NOT NULL
) WITH (fillfactor = 50);

-- From when on a connection was in a state; "none": nobody read it. At most 5,000 of each.
CREATE TABLE pumpjack.connection_state (
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    state_no integer NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (connection_no, state_no)
);
CREATE INDEX connection_state_by_time ON pumpjack.connection_state (connection_no, at);

-- A number of a report, 0 to p_most; 0 where it is none.
CREATE FUNCTION pumpjack.told_number(p_value jsonb, p_most bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN jsonb_typeof(p_value) = 'number'
        THEN greatest(0, least((p_value #>> '{}')::numeric, p_most))::bigint ELSE 0 END
$$;

-- {"changes": [{"us", "state", "reason", "message"}], "endpoint", "journalSize", "journalFull", "byException", "mapped",
-- "rejected", "inPart", "rejectedTags": [{"tag", "mapping", "reason"}], "problems": [text], "intervalS", "readUs"}; us: µs since the
-- epoch, in their order; the last change is the state of now, and there is at least one. False, and nothing
-- changed, when another worker took a greater fence.
CREATE FUNCTION pumpjack.tell_connection(p_connection text, p_fence bigint, p_report jsonb) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    c_most CONSTANT integer := 5000;
    v_connection pumpjack.connection;
    v pumpjack.connection_report;
    v_now timestamptz := clock_timestamp();
    v_change jsonb;
    v_at timestamptz;
    v_state text;
BEGIN
    SELECT * INTO v_connection FROM pumpjack.connection AS c
    WHERE c.tenant_id = pumpjack.session_tenant() AND c.connection_id = p_connection FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    IF jsonb_typeof(p_report) IS DISTINCT FROM 'object' OR pg_column_size(p_report) > 262144
       OR jsonb_typeof(p_report->'changes') IS DISTINCT FROM 'array'
       OR jsonb_array_length(p_report->'changes') NOT BETWEEN 1 AND 200
       OR EXISTS (SELECT FROM jsonb_array_elements(p_report->'changes') AS g (change)
                  WHERE jsonb_typeof(g.change) <> 'object' OR coalesce(g.change->>'state', '') NOT IN
                      ('connecting', 'connected', 'disconnected', 'suspended', 'fenced', 'stopped')) THEN
        RAISE EXCEPTION 'a worker tells of its connection by an object with 1 to 200 changes of its state'
            USING ERRCODE = 'PJ004';
    END IF;
    IF p_fence IS NULL OR p_fence < v_connection.fence THEN
        RETURN false;
    END IF;
    SELECT * INTO v FROM pumpjack.connection_report AS r WHERE r.connection_no = v_connection.connection_no;
    v.state_no := coalesce(v.state_no, 0);
    -- The one before ended when it was heard last: by its report, or by what it stored.
    IF v.fence <> p_fence AND v.state NOT IN ('stopped', 'none') THEN
        v_at := greatest(v.told_at, v.since, (SELECT max(j.moved_at) FROM pumpjack.ingest_cursor AS j
            WHERE j.connection_no = v.connection_no AND j.moved_at < v_connection.started_at));
        v.state_no := v.state_no + 1;
        v.state := 'none';
        v.since := least(v_at, v_now);
        INSERT INTO pumpjack.connection_state VALUES (v_connection.connection_no, v.state_no, v.since, v.state);
    END IF;
    FOR v_change IN SELECT g.change FROM jsonb_array_elements(p_report->'changes') WITH ORDINALITY AS g (change, place)
                    ORDER BY g.place LOOP
        v_state := v_change->>'state';
        IF v_state IS DISTINCT FROM v.state THEN
            -- Never back in time, and never ahead: the worker's clock is not ours.
            v_at := greatest(v.since, least(v_now,
                pumpjack.at_us(pumpjack.told_number(v_change->'us', 4102444800000000))));
            v.state_no := v.state_no + 1;
            v.state := v_state;
            v.since := v_at;
            INSERT INTO pumpjack.connection_state VALUES (v_connection.connection_no, v.state_no, v.since, v.state);
        END IF;
        v.reason := left(coalesce(v_change->>'reason', ''), 63);
        v.message := left(coalesce(v_change->>'message', ''), 1024);
    END LOOP;
    DELETE FROM pumpjack.connection_state AS s
    WHERE s.connection_no = v_connection.connection_no AND s.state_no <= v.state_no - c_most;
    v.connection_no := v_connection.connection_no;
    v.fence := p_fence;
    v.told_at := v_now;
    v.read_at := CASE WHEN jsonb_typeof(p_report->'readUs') = 'number'
        THEN least(v_now, pumpjack.at_us(pumpjack.told_number(p_report->'readUs', 4102444800000000)))
        ELSE v.read_at END;
    v.endpoint := left(coalesce(p_report->>'endpoint', ''), 512);
    v.journal_size := nullif(pumpjack.told_number(p_report->'journalSize', 1125899906842624), 0);
    v.journal_full := coalesce(p_report->'journalFull' = 'true', false);
    v.by_exception := coalesce(p_report->'byException' = 'true', false);
    v.mapped := pumpjack.told_number(p_report->'mapped', 10000000);
    v.rejected := pumpjack.told_number(p_report->'rejected', 10000000);
    v.in_part := pumpjack.told_number(p_report->'inPart', 10000000);
    v.rejected_tags := (
        SELECT coalesce(jsonb_agg(jsonb_build_object('tag', left(coalesce(t.tag->>'tag', ''), 253),
            'mapping', left(coalesce(t.tag->>'mapping', ''), 512), 'reason', left(coalesce(t.tag->>'reason', ''), 1024))
            ORDER BY t.place), '[]')
        FROM jsonb_array_elements(CASE jsonb_typeof(p_report->'rejectedTags') WHEN 'array' THEN p_report->'rejectedTags'
            ELSE '[]' END) WITH ORDINALITY AS t (tag, place) WHERE t.place <= 50 AND jsonb_typeof(t.tag) = 'object');
    v.problems := (
        SELECT coalesce(jsonb_agg(left(t.problem #>> '{}', 1024) ORDER BY t.place), '[]')
        FROM jsonb_array_elements(CASE jsonb_typeof(p_report->'problems') WHEN 'array' THEN p_report->'problems'
            ELSE '[]' END) WITH ORDINALITY AS t (problem, place) WHERE t.place <= 8 AND jsonb_typeof(t.problem) = 'string');
    v.interval_s := CASE WHEN jsonb_typeof(p_report->'intervalS') = 'number'
        THEN greatest(0, least((p_report->>'intervalS')::numeric, 86400))::double precision ELSE 0 END;
    INSERT INTO pumpjack.connection_report SELECT (v).*
    ON CONFLICT (connection_no) DO UPDATE
       SET fence = EXCLUDED.fence, told_at = EXCLUDED.told_at, state_no = EXCLUDED.state_no, state = EXCLUDED.state,
           since = EXCLUDED.since, reason = EXCLUDED.reason, message = EXCLUDED.message, read_at = EXCLUDED.read_at,
           endpoint = EXCLUDED.endpoint, journal_size = EXCLUDED.journal_size,
           journal_full = EXCLUDED.journal_full, by_exception = EXCLUDED.by_exception,
           mapped = EXCLUDED.mapped, rejected = EXCLUDED.rejected, in_part = EXCLUDED.in_part,
           rejected_tags = EXCLUDED.rejected_tags, problems = EXCLUDED.problems, interval_s = EXCLUDED.interval_s;
    RETURN true;
END
$$;

-- States that ended more than 8 days ago. Returns how many rows went.
CREATE FUNCTION pumpjack.remove_old_states() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_rows integer;
BEGIN
    DELETE FROM pumpjack.connection_state AS s
    USING (SELECT o.connection_no, max(o.state_no) AS state_no FROM pumpjack.connection_state AS o
           WHERE o.at < now() - interval '8 days' GROUP BY o.connection_no) AS last
    WHERE s.connection_no = last.connection_no AND s.state_no < last.state_no;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_rows;
END
$$;

-- remove_expired() as it was, and these with it.
DO $$
DECLARE
    c_end CONSTANT text := 'UPDATE pumpjack.upkeep SET last_run = now();';
    v_text text := pg_get_functiondef('pumpjack.remove_expired()'::regprocedure);
BEGIN
    IF cardinality(string_to_array(v_text, c_end)) <> 2 THEN
        RAISE EXCEPTION 'remove_expired() is not as this migration knows it';
    END IF;
    EXECUTE replace(v_text, c_end, 'v_removed := v_removed + pumpjack.remove_old_states();
    ' || c_end);
END
$$;

REVOKE EXECUTE ON FUNCTION pumpjack.told_number(jsonb, bigint), pumpjack.tell_connection(text, bigint, jsonb),
    pumpjack.remove_old_states() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.tell_connection(text, bigint, jsonb) TO pumpjack_writer;

-- Connections in service. What a worker tells is NULL where it never told anything.
-- stored_at: when something of it was last stored.
CREATE VIEW pumpjack.scada_connection_reports WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, c.protocol AS source_protocol, c.created_at, c.started_at,
       (SELECT max(j.moved_at) FROM pumpjack.ingest_cursor AS j WHERE j.connection_no = c.connection_no) AS stored_at,
       r.told_at, r.state, r.since, r.reason, r.message, r.read_at, r.endpoint, r.journal_size, r.journal_full, r.by_exception,
       r.mapped, r.rejected, r.in_part, r.rejected_tags, r.problems, r.interval_s
FROM pumpjack.connection AS c
LEFT JOIN pumpjack.connection_report AS r ON r.connection_no = c.connection_no
WHERE NOT coalesce(c.retired_at >= c.started_at, false) AND c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t
    WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')));

-- From when on a connection was in a state, of the last 8 days.
CREATE VIEW pumpjack.scada_connection_states WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, s.state_no, s.at, s.state
FROM pumpjack.connection_state AS s
JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t
    WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')));

GRANT SELECT ON pumpjack.scada_connection_reports, pumpjack.scada_connection_states TO pumpjack_reader;
