-- Roll-ups where TimescaleDB does not make them. write_batch marks the hours that it touched;
-- `pumpjack maintain` rolls whole hours up and removes the marks that it saw; the bucket_… views
-- read marked hours from the readings themselves, so their answers are right at any time.
SET LOCAL ROLE pumpjack_owner;

-- Only ever inserted and deleted: a mark that commits while its hour is rolled up is not in the
-- roll-up's snapshot, stays, and has the hour rolled up again.
CREATE TABLE pumpjack.mark (
    connection_no integer NOT NULL,
    hour timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX mark_by_connection ON pumpjack.mark (connection_no, hour);

-- Sum and count, never an average: averages cannot be added up.
CREATE TABLE pumpjack.rollup_1min (
    bucket timestamptz NOT NULL,
    tag_id integer NOT NULL,
    total double precision NOT NULL,
    number bigint NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    PRIMARY KEY (tag_id, bucket)
) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.rollup_5min (LIKE pumpjack.rollup_1min, PRIMARY KEY (tag_id, bucket)) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.rollup_1hour (LIKE pumpjack.rollup_1min, PRIMARY KEY (tag_id, bucket)) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.rollup_1day (LIKE pumpjack.rollup_1min, PRIMARY KEY (tag_id, bucket)) PARTITION BY RANGE (bucket);

-- What any level knows of a tag, by bucket: tag_id, bucket, total, number, low, high.
-- Within LATERAL each arm is searched by tag and time; a join of aggregates would not be.
DO $$
DECLARE
    step record;
BEGIN
    FOR step IN SELECT * FROM (VALUES ('1min', '1 minute'), ('5min', '5 minutes'), ('1hour', '1 hour')) AS step (name, width) LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.bucket_%1$s AS
            SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
            FROM pumpjack.series AS s
            CROSS JOIN LATERAL (
                SELECT r.bucket, r.total, r.number, r.low, r.high
                FROM pumpjack.rollup_%1$s AS r
                WHERE r.tag_id = s.tag_id
                  AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                                  WHERE m.connection_no = s.connection_no
                                    AND m.hour = date_bin('1 hour', r.bucket, 'epoch'))
                UNION ALL
                SELECT date_bin(%2$L, r.ts, 'epoch'), sum(r.value), count(*), min(r.value), max(r.value)
                FROM (SELECT DISTINCT m.hour FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no) AS marked
                JOIN pumpjack.reading AS r
                  ON r.tag_id = s.tag_id AND r.ts >= marked.hour AND r.ts < marked.hour + interval '1 hour'
                WHERE r.quality & 3 = 0 AND r.value IS NOT NULL
                GROUP BY 1
            ) AS b
        $view$, step.name, step.width);
    END LOOP;
END
$$;

-- A day with a marked hour is added up from its hours.
CREATE VIEW pumpjack.bucket_1day AS
SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
FROM pumpjack.series AS s
CROSS JOIN LATERAL (
    SELECT r.bucket, r.total, r.number, r.low, r.high
    FROM pumpjack.rollup_1day AS r
    WHERE r.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no
                        AND m.hour >= r.bucket AND m.hour < r.bucket + interval '24 hours')
    UNION ALL
    SELECT marked.day, sum(h.total), sum(h.number)::bigint, min(h.low), max(h.high)
    FROM (SELECT DISTINCT date_bin('1 day', m.hour, 'epoch') AS day
          FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.bucket_1hour AS h
      ON h.tag_id = s.tag_id AND h.bucket >= marked.day AND h.bucket < marked.day + interval '24 hours'
    GROUP BY 1
) AS b;

-- Add up the buckets of [start, until) of some tags into wider ones. EXECUTE plans with the times at
-- hand, so that it opens only the partitions it needs.
CREATE FUNCTION pumpjack.roll_up_buckets(
    p_target text, p_width text, p_source text, p_tags integer[], p_start timestamptz, p_until timestamptz
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM pumpjack.make_partitions(p_target, 'month', p_start, p_start);
    EXECUTE format($insert$
        INSERT INTO pumpjack.%I (bucket, tag_id, total, number, low, high)
        SELECT date_bin(%L, r.bucket, 'epoch'), r.tag_id, sum(r.total), sum(r.number), min(r.low), max(r.high)
        FROM %s AS r
        WHERE r.tag_id = ANY ($1) AND r.bucket >= $2 AND r.bucket < $3
        GROUP BY 1, 2
        ON CONFLICT (tag_id, bucket) DO UPDATE
           SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high
    $insert$, p_target, p_width, p_source) USING p_tags, p_start, p_until;
END
$$;

-- GOOD readings as buckets of one.
CREATE VIEW pumpjack.bucket_of_one AS
SELECT r.ts AS bucket, r.tag_id, r.value AS total, 1 AS number, r.value AS low, r.value AS high
FROM pumpjack.reading AS r
WHERE r.quality & 3 = 0 AND r.value IS NOT NULL;

-- Roll up the marked hours that are over, the oldest first, until at least `enough` of them (each
-- of each connection counts) are done; returns how many. Only in a REPEATABLE READ transaction,
-- where marks and readings are of one snapshot.
CREATE FUNCTION pumpjack.roll_up(enough integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_part record;
    v_hour interval := interval '1 hour';
    v_oldest timestamptz;
    v_newest timestamptz;
    v_tags integer[];
    v_all integer[] := '{}';
    v_done integer := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'repeatable read' THEN
        RAISE EXCEPTION 'roll_up needs a REPEATABLE READ transaction' USING ERRCODE = 'PJ004';
    END IF;
    FOR v_part IN
        SELECT m.hour, array_agg(DISTINCT m.connection_no) AS connections
        FROM pumpjack.mark AS m
        WHERE m.hour <= now() - v_hour
        GROUP BY m.hour ORDER BY m.hour LIMIT enough
    LOOP
        v_tags := ARRAY(SELECT s.tag_id FROM pumpjack.series AS s WHERE s.connection_no = ANY (v_part.connections));
        PERFORM pumpjack.roll_up_buckets('rollup_1min', '1 minute', 'pumpjack.bucket_of_one', v_tags, v_part.hour, v_part.hour + v_hour);
        PERFORM pumpjack.roll_up_buckets('rollup_5min', '5 minutes', 'pumpjack.rollup_1min', v_tags, v_part.hour, v_part.hour + v_hour);
        PERFORM pumpjack.roll_up_buckets('rollup_1hour', '1 hour', 'pumpjack.rollup_5min', v_tags, v_part.hour, v_part.hour + v_hour);
        DELETE FROM pumpjack.mark AS m WHERE m.hour = v_part.hour;
        v_oldest := coalesce(v_oldest, v_part.hour);
        v_newest := v_part.hour;
        v_all := v_all || v_tags;
        v_done := v_done + cardinality(v_part.connections);
        EXIT WHEN v_done >= enough;
    END LOOP;
    IF v_done > 0 THEN
        v_all := ARRAY(SELECT DISTINCT t.tag_id FROM unnest(v_all) AS t (tag_id));
        FOR v_part IN SELECT generate_series(date_trunc('day', v_oldest), v_newest, '1 day') AS day LOOP
            PERFORM pumpjack.roll_up_buckets('rollup_1day', '1 day', 'pumpjack.rollup_1hour', v_all, v_part.day, v_part.day + 24 * v_hour);
        END LOOP;
    END IF;
    RETURN v_done;
END
$$;

-- Of the marks of an hour that still runs there is one a batch; one is enough.
CREATE FUNCTION pumpjack.thin_marks() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_removed integer;
BEGIN
    DELETE FROM pumpjack.mark AS m
    USING (SELECT k.connection_no, k.hour, min(k.ctid) AS kept
           FROM pumpjack.mark AS k GROUP BY k.connection_no, k.hour HAVING count(*) > 1) AS many
    WHERE m.connection_no = many.connection_no AND m.hour = many.hour AND m.ctid <> many.kept;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    RETURN v_removed;
END
$$;

GRANT EXECUTE ON FUNCTION pumpjack.roll_up(integer), pumpjack.thin_marks() TO pumpjack_maintain;
