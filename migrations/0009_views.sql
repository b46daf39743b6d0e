-- What a tenant's reader sees. A row is shown when the reader is, or was granted, its tenant's
-- reader role (a superuser sees all). security_barrier: no condition of a query can look at rows
-- of others before they are filtered.
SET LOCAL ROLE pumpjack_owner;

-- Inlined by the planner. Codes are those of pumpjack_core/quality.py; a test holds them together.
CREATE FUNCTION pumpjack.quality_text(quality smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE quality & 3 WHEN 0 THEN 'GOOD' WHEN 1 THEN 'UNCERTAIN' ELSE 'BAD' END
$$;
CREATE FUNCTION pumpjack.reason_text(quality smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (ARRAY['out_of_range', 'anomaly', 'stale', 'comm_failure', 'device_bad', 'clock', 'not_a_number',
                  'device_uncertain', 'precision', 'config_error', 'not_stored'])[quality >> 2 & 63]
$$;

CREATE VIEW pumpjack.scada_readings WITH (security_barrier) AS
SELECT r.ts AS time, s.tenant_id, s.well_id, c.connection_id, s.tag_name, r.value,
       pumpjack.quality_text(r.quality) AS quality, pumpjack.reason_text(r.quality) AS reason,
       c.protocol AS source_protocol, s.unit, s.data_type,
       r.quality & 256 <> 0 AS backfilled, r.quality & 512 <> 0 AS shifted, s.tag_id
FROM pumpjack.series AS s
JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
JOIN pumpjack.reading AS r ON r.tag_id = s.tag_id
WHERE s.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- GOOD readings only.
DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1min', '5min', '1hour', '1day'] LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.scada_readings_%1$s WITH (security_barrier) AS
            SELECT b.bucket, s.tenant_id, s.well_id, c.connection_id, s.tag_name,
                   b.total / b.number AS avg_value, b.low AS min_value, b.high AS max_value,
                   b.number AS reading_count, s.unit, s.tag_id
            FROM pumpjack.series AS s
            JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
            JOIN pumpjack.bucket_%1$s AS b ON b.tag_id = s.tag_id
            WHERE s.tenant_id = ANY (ARRAY(
                SELECT t.tenant_id FROM pumpjack.tenant AS t
                WHERE pg_has_role(current_user, t.reader_role, 'USAGE')))
        $view$, step);
    END LOOP;
END
$$;

-- The newest reading of each series that has one, found through the index: a table of latest
-- values would be updated once a reading, and a long-running query elsewhere would bloat it.
CREATE VIEW pumpjack.scada_latest WITH (security_barrier) AS
SELECT r.ts AS time, s.tenant_id, s.well_id, c.connection_id, s.tag_name, r.value,
       pumpjack.quality_text(r.quality) AS quality, pumpjack.reason_text(r.quality) AS reason,
       c.protocol AS source_protocol, s.unit, s.data_type, s.tag_id
FROM pumpjack.series AS s
JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
CROSS JOIN LATERAL (
    SELECT l.ts, l.value, l.quality FROM pumpjack.reading AS l
    WHERE l.tag_id = s.tag_id ORDER BY l.ts DESC LIMIT 1
) AS r
WHERE s.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_wells WITH (security_barrier) AS
SELECT w.tenant_id, w.well_id, w.created_at
FROM pumpjack.well AS w
WHERE w.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- is_current: the series that the connection's worker registered last under this name.
CREATE VIEW pumpjack.scada_tags WITH (security_barrier) AS
SELECT s.tag_id, s.tenant_id, s.well_id, c.connection_id, s.tag_name, s.unit, s.data_type,
       c.protocol AS source_protocol, s.valid_from, s.registered_at,
       NOT EXISTS (SELECT FROM pumpjack.series AS n
                   WHERE n.connection_no = s.connection_no AND n.well_id = s.well_id AND n.tag_name = s.tag_name
                     AND (n.registered_at, n.tag_id) > (s.registered_at, s.tag_id)) AS is_current
FROM pumpjack.series AS s
JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
WHERE s.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- stored_at: when its worker last stored anything.
CREATE VIEW pumpjack.scada_connections WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, c.protocol, c.fence, c.created_at, c.started_at,
       (SELECT max(j.moved_at) FROM pumpjack.ingest_cursor AS j WHERE j.connection_no = c.connection_no) AS stored_at
FROM pumpjack.connection AS c
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- How far a journal is stored: a reader that fills a gap asks here whether the cursor has passed it.
CREATE VIEW pumpjack.scada_journals WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, j.journal_id, j.seq, j.opened_at, j.moved_at
FROM pumpjack.ingest_cursor AS j
JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_quarantine WITH (security_barrier) AS
SELECT q.quarantine_id, q.ts AS time, c.tenant_id, s.well_id, c.connection_id, s.tag_name, q.reason, q.raw, q.kept_at
FROM pumpjack.quarantine AS q
JOIN pumpjack.connection AS c ON c.connection_no = q.connection_no
LEFT JOIN pumpjack.series AS s ON s.tag_id = q.tag_id
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- Counts every quarantined reading, also those that were not kept for want of room.
CREATE VIEW pumpjack.scada_quarantine_totals WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, q.reason, q.total, q.kept,
       q.first_ts AS first_time, q.first_raw, q.last_ts AS last_time, q.last_raw, q.last_at
FROM pumpjack.quarantine_total AS q
JOIN pumpjack.connection AS c ON c.connection_no = q.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

GRANT SELECT ON
    pumpjack.scada_readings, pumpjack.scada_readings_1min, pumpjack.scada_readings_5min,
    pumpjack.scada_readings_1hour, pumpjack.scada_readings_1day, pumpjack.scada_latest,
    pumpjack.scada_wells, pumpjack.scada_tags, pumpjack.scada_connections, pumpjack.scada_journals,
    pumpjack.scada_quarantine, pumpjack.scada_quarantine_totals
TO pumpjack_reader;
GRANT EXECUTE ON FUNCTION pumpjack.quality_text(smallint), pumpjack.reason_text(smallint) TO pumpjack_reader;

-- The gateway's one way to write: who did what. Logins of tenants cannot call it.
CREATE FUNCTION pumpjack.audit(p_tenant text, p_actor text, p_action text, p_outcome text, p_detail jsonb DEFAULT '{}')
RETURNS void
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    VALUES (left(p_tenant, 253), left(p_actor, 253), left(p_action, 63), left(p_outcome, 63), p_detail)
$$;
GRANT EXECUTE ON FUNCTION pumpjack.audit(text, text, text, text, jsonb) TO pumpjack_gateway;
