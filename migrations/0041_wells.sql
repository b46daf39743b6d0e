-- What screens show of wells and tags beside their readings: titles, places, pictures, normal bands.
SET LOCAL ROLE pumpjack_owner;

ALTER TABLE pumpjack.tag_definition
    -- NULL where it was declared before these were kept; the series that was registered last tells them.
    ADD COLUMN unit text,
    ADD COLUMN data_type text,
    ADD COLUMN title text NOT NULL DEFAULT '',
    ADD COLUMN normal_low double precision,
    ADD COLUMN normal_high double precision,
    ADD COLUMN digits smallint CHECK (digits BETWEEN 0 AND 6);

-- Facts of a well as one connection declares them; '' and '{}' where it does not.
CREATE TABLE pumpjack.well_definition (
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    well_id text NOT NULL CHECK (length(well_id) BETWEEN 1 AND 253),
    title text NOT NULL,
    type text NOT NULL,
    pad text NOT NULL,
    route text NOT NULL,
    time_zone text NOT NULL,
    roles jsonb NOT NULL,  -- role of the process picture to name of a tag
    key_tags text[] NOT NULL,
    PRIMARY KEY (connection_no, well_id)
);
CREATE INDEX well_definition_by_well ON pumpjack.well_definition (well_id);

-- As in 0022; words, bands and digits for screens change nothing about what a command means by a value, either.
CREATE OR REPLACE FUNCTION pumpjack.write_hash(p_tag jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT encode(sha256(convert_to(
        (p_tag - '{alarms,description,intervalS,title,normalLow,normalHigh,digits}'::text[])::text, 'UTF8')), 'hex')
$$;

-- The facts that a connection declares of its wells, instead of those that it declared before.
CREATE FUNCTION pumpjack.declare_wells(p_connection integer, p_wells jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM pumpjack.well_definition AS d WHERE d.connection_no = p_connection;
    INSERT INTO pumpjack.well_definition (
        connection_no, well_id, title, type, pad, route, time_zone, roles, key_tags)
    SELECT DISTINCT ON (w.well)
           p_connection, w.well, left(coalesce(w.title, ''), 128), left(coalesce(w.type, ''), 63),
           left(coalesce(w.pad, ''), 63), left(coalesce(w.route, ''), 63), left(coalesce(w."timeZone", ''), 64),
           (SELECT coalesce(jsonb_object_agg(left(r.key, 63), left(r.value, 253)), '{}')
            FROM (SELECT * FROM jsonb_each_text(coalesce(nullif(w.roles, 'null'), '{}')) LIMIT 64) AS r (key, value)),
           ARRAY(SELECT left(k.value, 253)
                 FROM jsonb_array_elements_text(coalesce(nullif(w."keyTags", 'null'), '[]'))
                      WITH ORDINALITY AS k (value, position)
                 ORDER BY k.position LIMIT 3)
    FROM jsonb_to_recordset(coalesce(nullif(p_wells, 'null'), '[]')) AS w (
        well text, title text, type text, pad text, route text, "timeZone" text, roles jsonb, "keyTags" jsonb);
END
$$;

-- As in 0022, and "wells": [{"well", "title", "type", "pad", "route", "timeZone", "roles": {role: tag}, "keyTags": […]}],
-- and of each tag "title", "normalLow", "normalHigh", "digits"; all of them may be missing.
CREATE OR REPLACE FUNCTION pumpjack.declare_tags(p_connection text, p_fence bigint, p_definition jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_connection pumpjack.connection;
    v_head pumpjack.event_head;
    v_no bigint;
    v_tags jsonb := CASE jsonb_typeof(p_definition) WHEN 'array' THEN p_definition ELSE p_definition->'tags' END;
    v_writes boolean := coalesce((CASE jsonb_typeof(p_definition) WHEN 'object' THEN p_definition->>'writes' END)::boolean, false);
    v_wells jsonb := CASE jsonb_typeof(p_definition) WHEN 'object' THEN p_definition->'wells' END;
    v_hash text := encode(sha256(convert_to(p_definition::text, 'UTF8')), 'hex');
    v_before pumpjack.connection_definition;
BEGIN
    SELECT * INTO v_connection FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    IF jsonb_typeof(v_tags) IS DISTINCT FROM 'array' OR jsonb_typeof(v_wells) NOT IN ('array', 'null') THEN
        RAISE EXCEPTION 'declare_tags needs {"writes", "tags": […], "wells": […]}' USING ERRCODE = 'PJ004';
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
        write_hash, unit, data_type, title, normal_low, normal_high, digits)
    SELECT DISTINCT ON (t.well, t.tag)
           v_connection.connection_no, t.well, t.tag, left(coalesce(t.address, ''), 2048), left(coalesce(t.description, ''), 1024),
           t."intervalS", t.low, t.high, coalesce(nullif(t."stateNames", 'null'), '{}'),
           coalesce(t."write", 'null') <> 'null', (t."write"->>'low')::double precision, (t."write"->>'high')::double precision,
           pumpjack.integers(t."write"->'states'), coalesce(t."write"->>'approval', 'none'),
           coalesce((t."write"->>'verifyS')::double precision, 5), pumpjack.write_hash(item.tag),
           left(t.unit, 63), left(t."dataType", 63), left(coalesce(t.title, ''), 64),
           pumpjack.finite(t."normalLow"), pumpjack.finite(t."normalHigh"), t.digits
    FROM jsonb_array_elements(v_tags) AS item (tag),
         jsonb_to_record(item.tag) AS t (
             well text, tag text, address text, description text, "intervalS" double precision, low double precision,
             high double precision, "stateNames" jsonb, "write" jsonb, unit text, "dataType" text, title text,
             "normalLow" double precision, "normalHigh" double precision, digits smallint)
    ON CONFLICT (connection_no, well_id, tag_name) DO UPDATE
       SET declared = true, address = EXCLUDED.address, description = EXCLUDED.description,
           interval_s = EXCLUDED.interval_s, low = EXCLUDED.low, high = EXCLUDED.high,
           state_names = EXCLUDED.state_names, writable = EXCLUDED.writable, write_low = EXCLUDED.write_low,
           write_high = EXCLUDED.write_high, write_states = EXCLUDED.write_states,
           write_approval = EXCLUDED.write_approval, write_verify_s = EXCLUDED.write_verify_s,
           write_hash = EXCLUDED.write_hash, unit = EXCLUDED.unit, data_type = EXCLUDED.data_type,
           title = EXCLUDED.title, normal_low = EXCLUDED.normal_low, normal_high = EXCLUDED.normal_high,
           digits = EXCLUDED.digits;
    PERFORM pumpjack.declare_wells(v_connection.connection_no, v_wells);
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

REVOKE EXECUTE ON FUNCTION pumpjack.declare_wells(integer, jsonb) FROM PUBLIC;

-- Each well, and for each fact the first that is not empty: of the connection that is in service, then the oldest.
CREATE VIEW pumpjack.scada_well_facts WITH (security_barrier) AS
SELECT w.tenant_id, w.well_id, coalesce(f.title, '') AS title, coalesce(f.type, '') AS type,
       coalesce(f.pad, '') AS pad, coalesce(f.route, '') AS route, coalesce(f.time_zone, '') AS time_zone,
       coalesce(f.roles, '{}') AS roles,
       ARRAY(SELECT k.tag_name FROM jsonb_array_elements_text(f.key_tags) WITH ORDINALITY AS k (tag_name, position)
             ORDER BY k.position) AS key_tags
FROM pumpjack.well AS w
LEFT JOIN LATERAL (
    SELECT (array_agg(o.title ORDER BY o.place) FILTER (WHERE o.title <> ''))[1] AS title,
           (array_agg(o.type ORDER BY o.place) FILTER (WHERE o.type <> ''))[1] AS type,
           (array_agg(o.pad ORDER BY o.place) FILTER (WHERE o.pad <> ''))[1] AS pad,
           (array_agg(o.route ORDER BY o.place) FILTER (WHERE o.route <> ''))[1] AS route,
           (array_agg(o.time_zone ORDER BY o.place) FILTER (WHERE o.time_zone <> ''))[1] AS time_zone,
           (array_agg(o.roles ORDER BY o.place) FILTER (WHERE o.roles <> '{}'))[1] AS roles,
           -- as JSON: an array of arrays would have to be of one length
           (array_agg(to_jsonb(o.key_tags) ORDER BY o.place) FILTER (WHERE o.key_tags <> '{}'))[1] AS key_tags
    FROM (SELECT d.*, row_number() OVER (
                     ORDER BY coalesce(c.retired_at >= c.started_at, false), c.created_at, c.connection_no) AS place
          FROM pumpjack.well_definition AS d
          JOIN pumpjack.connection AS c ON c.connection_no = d.connection_no
          WHERE d.well_id = w.well_id AND c.tenant_id = w.tenant_id) AS o) AS f ON true
WHERE w.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t
    WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')));

-- What connections in service read now, each tag of a well once: as the connection that declared last has it. A
-- connection whose worker could not declare anything tells what it registered. tag_id: the series that readings go
-- to; NULL as long as there is none under this unit and data type. writable: by the tag's own declaration.
CREATE VIEW pumpjack.scada_tag_facts WITH (security_barrier) AS
SELECT DISTINCT ON (o.tenant_id, o.well_id, o.tag_name)
       o.tenant_id, o.well_id, o.tag_name, o.tag_id, o.connection_id, o.source_protocol, o.unit, o.data_type, o.title,
       o.description, o.address, o.interval_s, o.low, o.high, o.normal_low, o.normal_high, o.digits, o.state_names,
       o.writable
FROM (
    SELECT c.tenant_id, d.well_id, d.tag_name, s.tag_id, c.connection_id, c.protocol AS source_protocol,
           coalesce(d.unit, s.unit, '') AS unit, coalesce(d.data_type, s.data_type, '') AS data_type, d.title,
           d.description, d.address, d.interval_s, d.low, d.high, d.normal_low, d.normal_high, d.digits, d.state_names,
           d.writable, f.declared_at, c.connection_no
    FROM pumpjack.tag_definition AS d
    JOIN pumpjack.connection AS c ON c.connection_no = d.connection_no
    JOIN pumpjack.connection_definition AS f ON f.connection_no = d.connection_no
    LEFT JOIN LATERAL (
        SELECT n.tag_id, n.unit, n.data_type FROM pumpjack.series AS n
        WHERE n.connection_no = d.connection_no AND n.well_id = d.well_id AND n.tag_name = d.tag_name
          AND n.unit = coalesce(d.unit, n.unit) AND n.data_type = coalesce(d.data_type, n.data_type)
        ORDER BY n.registered_at DESC, n.tag_id DESC LIMIT 1) AS s ON true
    WHERE d.declared AND NOT coalesce(c.retired_at >= c.started_at, false)
    UNION ALL
    SELECT c.tenant_id, n.well_id, n.tag_name, n.tag_id, c.connection_id, c.protocol, n.unit, n.data_type, '', '', '',
           NULL, NULL, NULL, NULL, NULL, NULL, '{}', false, n.registered_at, c.connection_no
    FROM pumpjack.series AS n
    JOIN pumpjack.connection AS c ON c.connection_no = n.connection_no
    WHERE NOT EXISTS (SELECT FROM pumpjack.connection_definition AS f WHERE f.connection_no = n.connection_no)
      AND NOT coalesce(c.retired_at >= c.started_at, false)
) AS o
WHERE o.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t
    WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')))
ORDER BY o.tenant_id, o.well_id, o.tag_name, o.declared_at DESC, o.connection_no DESC, o.tag_id DESC;

GRANT SELECT ON pumpjack.scada_well_facts, pumpjack.scada_tag_facts TO pumpjack_reader;
