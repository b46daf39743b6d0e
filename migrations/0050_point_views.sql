-- What a chart reads of the buckets of 0042 and of the readings; numbers that no sum can hold are none.
SET LOCAL ROLE pumpjack_owner;

-- As in 0007, but that numbers beyond 1e300 are none, either: two of -1.7e308 cannot be added up, and stopped
-- the roll-ups of everybody. (Some devices say so that they have no value.)
CREATE OR REPLACE FUNCTION pumpjack.finite(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value >= -1e300 AND value <= 1e300 THEN value END
$$;
CREATE OR REPLACE FUNCTION pumpjack.quality_of(quality integer, value double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value >= -1e300 AND value <= 1e300 THEN quality
                WHEN quality & 252 = 0 THEN quality & ~3 | 30
                ELSE quality & ~3 | 2 END
$$;

-- As in 0009, but that a mean of next to nothing is 0: a division whose result is too small for a number is an
-- error of PostgreSQL's (an integer that is read as a 64-bit float is such a value).
DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1min', '5min', '1hour', '1day'] LOOP
        EXECUTE format($view$
            CREATE OR REPLACE VIEW pumpjack.scada_readings_%1$s WITH (security_barrier) AS
            SELECT b.bucket, s.tenant_id, s.well_id, c.connection_id, s.tag_name,
                   CASE WHEN abs(b.total) < 1e-290 THEN 0 ELSE b.total / b.number END AS avg_value,
                   b.low AS min_value, b.high AS max_value,
                   b.number AS reading_count, s.unit, s.tag_id
            FROM pumpjack.series AS s
            JOIN pumpjack.connection AS c ON c.connection_no = s.connection_no
            JOIN pumpjack.bucket_%1$s AS b ON b.tag_id = s.tag_id
            WHERE s.tenant_id = ANY (ARRAY(
                SELECT t.tenant_id FROM pumpjack.tenant AS t
                WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')))
        $view$, step);
    END LOOP;
END
$$;

-- What a tenant's reader sees: readings, and buckets by level, under their numbers. Whoever asks finds the
-- numbers in scada_tags. These views are made for charts; reports read scada_readings.
-- r.tag_id, not s.tag_id: a list of tags then searches the index of the readings.
CREATE VIEW pumpjack.scada_points_raw WITH (security_barrier) AS
SELECT r.tag_id, s.tenant_id, r.ts AS time, r.value, least(r.quality & 3, 2) AS level
FROM pumpjack.series AS s
JOIN pumpjack.reading AS r ON r.tag_id = s.tag_id
WHERE s.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t
    WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')));

DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1min', '5min', '1hour', '1day'] LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.scada_points_%1$s WITH (security_barrier) AS
            SELECT s.tag_id, s.tenant_id, p.bucket, p.level, p.number, p.total, p.low, p.high
            FROM pumpjack.series AS s
            JOIN pumpjack.points_%1$s AS p ON p.tag_id = s.tag_id
            WHERE s.tenant_id = ANY (ARRAY(
                SELECT t.tenant_id FROM pumpjack.tenant AS t
                WHERE pg_has_role(current_user, to_regrole(t.reader_role::text)::oid, 'USAGE')))
        $view$, step);
        EXECUTE format('GRANT SELECT ON pumpjack.scada_points_%1$s TO pumpjack_reader', step);
    END LOOP;
END
$$;

-- From when on the buckets know of readings that are not GOOD. What is older is served without.
CREATE FUNCTION pumpjack.doubt_known_from() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT k.since FROM pumpjack.doubt_known AS k
$$;
REVOKE EXECUTE ON FUNCTION pumpjack.doubt_known_from() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.doubt_known_from() TO pumpjack_reader;
GRANT SELECT ON pumpjack.scada_points_raw TO pumpjack_reader;
