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
CREATE INDEX mark_by_hour ON pumpjack.mark (connection_no, hour);

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

-- One connection's hour, and the day that it is of.
CREATE FUNCTION pumpjack.roll_up_hour(p_connection integer, p_hour timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_tags integer[] := ARRAY(SELECT s.tag_id FROM pumpjack.series AS s WHERE s.connection_no = p_connection);
    v_step record;
BEGIN
    INSERT INTO pumpjack.rollup_1min (bucket, tag_id, total, number, low, high)
    SELECT date_bin('1 minute', r.ts, 'epoch'), r.tag_id, sum(r.value), count(*), min(r.value), max(r.value)
    FROM pumpjack.reading AS r
    WHERE r.tag_id = ANY (v_tags) AND r.ts >= p_hour AND r.ts < p_hour + interval '1 hour'
      AND r.quality & 3 = 0 AND r.value IS NOT NULL
    GROUP BY 1, 2
    ON CONFLICT (tag_id, bucket) DO UPDATE
       SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high;
    FOR v_step IN
        SELECT * FROM (VALUES
            ('rollup_5min', 'rollup_1min', '5 minutes', p_hour, p_hour + interval '1 hour'),
            ('rollup_1hour', 'rollup_5min', '1 hour', p_hour, p_hour + interval '1 hour'),
            ('rollup_1day', 'rollup_1hour', '1 day', date_trunc('day', p_hour), date_trunc('day', p_hour) + interval '1 day')
        ) AS step (target, source, width, start, until)
    LOOP
        EXECUTE format($insert$
            INSERT INTO pumpjack.%I (bucket, tag_id, total, number, low, high)
            SELECT date_bin(%L, r.bucket, 'epoch'), r.tag_id, sum(r.total), sum(r.number), min(r.low), max(r.high)
            FROM pumpjack.%I AS r
            WHERE r.tag_id = ANY ($1) AND r.bucket >= $2 AND r.bucket < $3
            GROUP BY 1, 2
            ON CONFLICT (tag_id, bucket) DO UPDATE
               SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high
        $insert$, v_step.target, v_step.width, v_step.source) USING v_tags, v_step.start, v_step.until;
    END LOOP;
END
$$;

-- Roll up at most `most` marked hours that are over, the oldest first; returns how many. Only in a
-- REPEATABLE READ transaction, where marks and readings are of one snapshot.
CREATE FUNCTION pumpjack.roll_up(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_part record;
    v_parent text;
    v_hours integer := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'repeatable read' THEN
        RAISE EXCEPTION 'roll_up needs a REPEATABLE READ transaction' USING ERRCODE = 'PJ004';
    END IF;
    FOR v_part IN
        SELECT m.connection_no, m.hour
        FROM pumpjack.mark AS m
        WHERE m.hour <= now() - interval '1 hour'
        GROUP BY m.connection_no, m.hour
        ORDER BY m.hour, m.connection_no
        LIMIT most
    LOOP
        FOREACH v_parent IN ARRAY ARRAY['rollup_1min', 'rollup_5min', 'rollup_1hour', 'rollup_1day'] LOOP
            PERFORM pumpjack.make_partitions(v_parent, 'month', v_part.hour, v_part.hour);
        END LOOP;
        PERFORM pumpjack.roll_up_hour(v_part.connection_no, v_part.hour);
        DELETE FROM pumpjack.mark AS m
        WHERE m.connection_no = v_part.connection_no AND m.hour = v_part.hour;
        v_hours := v_hours + 1;
    END LOOP;
    RETURN v_hours;
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
