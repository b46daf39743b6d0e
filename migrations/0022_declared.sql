-- What a connection's worker was told to read: ranges, limits, alarms, what may be written.
SET LOCAL ROLE pumpjack_owner;

CREATE TABLE pumpjack.connection_definition (
    connection_no integer PRIMARY KEY REFERENCES pumpjack.connection,
    fence bigint NOT NULL,
    hash text NOT NULL,  -- SHA-256 of the definition, 64 hex digits
    writes boolean NOT NULL,
    declared_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pumpjack.tag_definition (
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    well_id text NOT NULL CHECK (length(well_id) BETWEEN 1 AND 253),
    tag_name text NOT NULL CHECK (length(tag_name) BETWEEN 1 AND 253),
    declared boolean NOT NULL DEFAULT true,
    address text NOT NULL,
    description text NOT NULL,
    interval_s double precision,
    low double precision,
    high double precision,
    state_names jsonb NOT NULL,
    writable boolean NOT NULL,
    write_low double precision,
    write_high double precision,
    write_states integer[] NOT NULL,
    write_approval text NOT NULL,
    write_verify_s double precision NOT NULL,
    write_hash text NOT NULL,  -- SHA-256 of all that a command means by a value; 64 hex digits
    PRIMARY KEY (connection_no, well_id, tag_name)
);
CREATE INDEX tag_definition_by_name ON pumpjack.tag_definition (well_id, tag_name);

CREATE FUNCTION pumpjack.integers(p_list jsonb) RETURNS integer[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(array_agg(item.value::integer ORDER BY item.position), '{}')
    FROM jsonb_array_elements_text(coalesce(nullif(p_list, 'null'), '[]')) WITH ORDINALITY AS item (value, position)
$$;

-- Of a tag as it is declared: another hash, and a value may mean something else, or go elsewhere.
CREATE FUNCTION pumpjack.write_hash(p_tag jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to((p_tag - '{alarms,description,intervalS}'::text[])::text, 'UTF8')), 'hex')
$$;

-- Alarms that are declared no more, and events of those that were not normal. Returns the last number used.
CREATE FUNCTION pumpjack.remove_alarms(p_connection integer, p_kept text[], p_event_no bigint) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v pumpjack.alarm;
    v_no bigint := p_event_no;
BEGIN
    FOR v IN
        SELECT * FROM pumpjack.alarm AS a
        WHERE a.connection_no = p_connection AND a.condition <> 'comm_failure' AND NOT a.removed
          AND a.alarm_id NOT IN (SELECT k.alarm_id FROM unnest(p_kept) AS k (alarm_id))
        ORDER BY a.alarm_id
    LOOP
        IF v.state <> 'normal' THEN
            v_no := v_no + 1;
            PERFORM pumpjack.step_alarm(v, v_no, 'removed', clock_timestamp());
        END IF;
        UPDATE pumpjack.alarm AS a SET declared = false, removed = true WHERE a.alarm_id = v.alarm_id;
    END LOOP;
    RETURN v_no;
END
$$;

-- Declare alarms as the definition has them. What the worker said of one that comes back counts from now on.
-- Returns the last number used.
CREATE FUNCTION pumpjack.declare_alarms(p_connection pumpjack.connection, p_tags jsonb, p_event_no bigint)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_back pumpjack.alarm[];
    v_was pumpjack.alarm;
    v pumpjack.alarm;
    v_no bigint := p_event_no;
    v_wrong text;
    v_kept text[];
BEGIN
    SELECT array_agg(d.alarm_id), min(d.told) FILTER (WHERE d.told <> d.alarm_id) INTO v_kept, v_wrong
    FROM (SELECT pumpjack.alarm_id(p_connection.tenant_id, p_connection.connection_id,
                                   t.tag->>'well', t.tag->>'tag', a.alarm->>'condition') AS alarm_id,
                 a.alarm->>'alarmId' AS told
          FROM jsonb_array_elements(p_tags) AS t (tag),
               jsonb_array_elements(coalesce(nullif(t.tag->'alarms', 'null'), '[]')) AS a (alarm)) AS d;
    IF v_wrong IS NOT NULL THEN
        RAISE EXCEPTION 'the alarm % is not named after its tenant, connection, well, tag and condition', v_wrong
            USING ERRCODE = 'PJ004';
    END IF;
    v_no := pumpjack.remove_alarms(p_connection.connection_no, coalesce(v_kept, '{}'), v_no);
    SELECT array_agg(a ORDER BY a.alarm_id) INTO v_back
    FROM pumpjack.alarm AS a
    WHERE a.connection_no = p_connection.connection_no AND a.removed AND (a.active OR a.suppressed)
      AND a.alarm_id IN (SELECT k.alarm_id FROM unnest(v_kept) AS k (alarm_id));
    INSERT INTO pumpjack.alarm AS a (
        alarm_id, tenant_id, connection_no, well_id, tag_name, condition, declared, priority, "limit", per_s, from_tag,
        states, deadband, on_delay_s, off_delay_s, latch, message, consequence, response)
    SELECT DISTINCT ON (1)
           pumpjack.alarm_id(p_connection.tenant_id, p_connection.connection_id,
                             t.tag->>'well', t.tag->>'tag', d.condition),
           p_connection.tenant_id, p_connection.connection_no, t.tag->>'well', t.tag->>'tag', d.condition, true,
           greatest(1, least(4, coalesce(d.priority, 3))), pumpjack.finite(d."limit"), d."perS",
           left(coalesce(d."from", ''), 253), pumpjack.integers(d.states), coalesce(d.deadband, 0),
           coalesce(d."onDelayS", 0), coalesce(d."offDelayS", 0), coalesce(d.latch, false),
           left(coalesce(d.message, ''), 256), left(coalesce(d.consequence, ''), 512), left(coalesce(d.response, ''), 512)
    FROM jsonb_array_elements(p_tags) AS t (tag),
         jsonb_to_recordset(coalesce(nullif(t.tag->'alarms', 'null'), '[]')) AS d (
             condition text, priority smallint, "limit" double precision, "perS" double precision, "from" text,
             states jsonb, deadband double precision, "onDelayS" double precision, "offDelayS" double precision,
             latch boolean, message text, consequence text, response text)
    ON CONFLICT (alarm_id) DO UPDATE
       SET declared = true, removed = false, priority = EXCLUDED.priority, "limit" = EXCLUDED."limit",
           per_s = EXCLUDED.per_s, from_tag = EXCLUDED.from_tag, states = EXCLUDED.states,
           deadband = EXCLUDED.deadband, on_delay_s = EXCLUDED.on_delay_s, off_delay_s = EXCLUDED.off_delay_s,
           latch = EXCLUDED.latch, message = EXCLUDED.message, consequence = EXCLUDED.consequence,
           response = EXCLUDED.response;
    FOREACH v_was IN ARRAY coalesce(v_back, '{}') LOOP
        SELECT * INTO v FROM pumpjack.alarm AS a WHERE a.alarm_id = v_was.alarm_id;
        v.active := false; v.suppressed := false;
        IF v_was.suppressed THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, 'suppressed', pumpjack.at_us(v.last_us), p_detail => '{"declared": true}');
        END IF;
        IF v_was.active THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, 'raised', v.active_since, p_value => v.value, p_detail => '{"declared": true}');
        END IF;
    END LOOP;
    RETURN v_no;
END
$$;

-- The whole table of a connection's tags: {"writes": bool, "tags": [{"well", "tag", "address", "description",
-- "intervalS", "low", "high", "dataType", "unit", "scale", "offset", "stateNames", "alarms": […], "write": {…}}]}.
-- Returns how many tags it has; with a fence smaller than the connection's nothing changes, and it returns 0. PJ002, PJ004.
CREATE FUNCTION pumpjack.declare_tags(p_connection text, p_fence bigint, p_definition jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_connection pumpjack.connection;
    v_head pumpjack.event_head;
    v_no bigint;
    v_tags jsonb := CASE jsonb_typeof(p_definition) WHEN 'array' THEN p_definition ELSE p_definition->'tags' END;
    v_writes boolean := coalesce((CASE jsonb_typeof(p_definition) WHEN 'object' THEN p_definition->>'writes' END)::boolean, false);
    v_hash text := encode(sha256(convert_to(p_definition::text, 'UTF8')), 'hex');
    v_before pumpjack.connection_definition;
BEGIN
    SELECT * INTO v_connection FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    IF jsonb_typeof(v_tags) IS DISTINCT FROM 'array' THEN
        RAISE EXCEPTION 'declare_tags needs {"writes", "tags": […]}' USING ERRCODE = 'PJ004';
    END IF;
    IF p_fence < v_connection.fence THEN
        RETURN 0;
    END IF;
    SELECT * INTO v_before FROM pumpjack.connection_definition AS d WHERE d.connection_no = v_connection.connection_no;
    IF v_before.hash = v_hash THEN
        UPDATE pumpjack.connection_definition AS d SET fence = p_fence
        WHERE d.connection_no = v_connection.connection_no AND d.fence <> p_fence;
        RETURN jsonb_array_length(v_tags);
    END IF;
    v_head := pumpjack.lock_head(v_tenant);
    UPDATE pumpjack.tag_definition AS d SET declared = false
    WHERE d.connection_no = v_connection.connection_no AND d.declared;
    INSERT INTO pumpjack.tag_definition AS d (
        connection_no, well_id, tag_name, address, description, interval_s, low, high, state_names,
        writable, write_low, write_high, write_states, write_approval, write_verify_s,
        write_hash)
    SELECT DISTINCT ON (t.well, t.tag)
           v_connection.connection_no, t.well, t.tag, left(coalesce(t.address, ''), 2048), left(coalesce(t.description, ''), 1024),
           t."intervalS", t.low, t.high, coalesce(nullif(t."stateNames", 'null'), '{}'),
           coalesce(t."write", 'null') <> 'null', (t."write"->>'low')::double precision, (t."write"->>'high')::double precision,
           pumpjack.integers(t."write"->'states'), coalesce(t."write"->>'approval', 'none'),
           coalesce((t."write"->>'verifyS')::double precision, 5), pumpjack.write_hash(item.tag)
    FROM jsonb_array_elements(v_tags) AS item (tag),
         jsonb_to_record(item.tag) AS t (
             well text, tag text, address text, description text, "intervalS" double precision, low double precision,
             high double precision, "stateNames" jsonb, "write" jsonb)
    ON CONFLICT (connection_no, well_id, tag_name) DO UPDATE
       SET declared = true, address = EXCLUDED.address, description = EXCLUDED.description,
           interval_s = EXCLUDED.interval_s, low = EXCLUDED.low, high = EXCLUDED.high,
           state_names = EXCLUDED.state_names, writable = EXCLUDED.writable, write_low = EXCLUDED.write_low,
           write_high = EXCLUDED.write_high, write_states = EXCLUDED.write_states,
           write_approval = EXCLUDED.write_approval, write_verify_s = EXCLUDED.write_verify_s,
           write_hash = EXCLUDED.write_hash;
    v_no := pumpjack.declare_alarms(v_connection, v_tags, v_head.event_no);
    IF v_no > v_head.event_no THEN
        UPDATE pumpjack.event_head AS h SET event_no = v_no WHERE h.tenant_id = v_tenant;
    END IF;
    INSERT INTO pumpjack.connection_definition AS d (connection_no, fence, hash, writes)
    VALUES (v_connection.connection_no, p_fence, v_hash, v_writes)
    ON CONFLICT (connection_no) DO UPDATE
       SET fence = EXCLUDED.fence, hash = EXCLUDED.hash, writes = EXCLUDED.writes, declared_at = now();
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    VALUES (v_tenant, 'worker', 'tags.declared', 'done', jsonb_build_object(
        'connection', p_connection, 'hash', v_hash, 'before', v_before.hash, 'writes', v_writes,
        'tags', jsonb_array_length(v_tags), 'alarms', (SELECT count(*) FROM pumpjack.alarm AS a
            WHERE a.connection_no = v_connection.connection_no AND a.declared),
        'events', v_no - v_head.event_no));
    RETURN jsonb_array_length(v_tags);
END
$$;
GRANT EXECUTE ON FUNCTION pumpjack.declare_tags(text, bigint, jsonb) TO pumpjack_writer;
