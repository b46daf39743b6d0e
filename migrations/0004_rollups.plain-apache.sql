-- Roll-ups where TimescaleDB does not make them. write_batch marks the hours that it touched;
-- `pumpjack maintain` rolls whole hours up and removes the marks that it saw; the bucket_… views
-- read marked hours from the readings themselves, so their answers are right at any time.
SET LOCAL ROLE pumpjack_owner;

-- Only ever inserted and deleted: a mark that commits while its hour is rolled up is not seen by
-- the roll-up's snapshot, stays, and has the hour rolled up again.
CREATE TABLE pumpjack.mark (
    connection_no integer NOT NULL,
    hour timestamptz NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX mark_by_hour ON pumpjack.mark (connection_no, hour);

-- Called by write_batch, in its transaction.
CREATE FUNCTION pumpjack.mark_hours(p_connection integer, p_us bigint[], p_low bigint, p_high bigint) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_low / 3600000000 = p_high / 3600000000 THEN
        INSERT INTO pumpjack.mark VALUES (p_connection, to_timestamp(p_low / 3600000000 * 3600));
    ELSE
        INSERT INTO pumpjack.mark
        SELECT DISTINCT p_connection, to_timestamp(b.us / 3600000000 * 3600) FROM unnest(p_us) AS b (us);
    END IF;
END
$$;

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

-- One partition a month (UTC) of each roll-up for the months of [first, last].
CREATE FUNCTION pumpjack.make_rollup_partitions(first timestamptz, last timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    month timestamptz;
    parent text;
    part text;
    made integer := 0;
BEGIN
    FOREACH parent IN ARRAY ARRAY['rollup_1min', 'rollup_5min', 'rollup_1hour', 'rollup_1day'] LOOP
        FOR month IN SELECT generate_series(date_trunc('month', first), last, '1 month') LOOP
            part := parent || '_' || to_char(month, 'YYYYMM');
            CONTINUE WHEN to_regclass('pumpjack.' || part) IS NOT NULL;
            EXECUTE format('CREATE TABLE pumpjack.%I PARTITION OF pumpjack.%I FOR VALUES FROM (%L) TO (%L)',
                           part, parent, month, month + interval '1 month');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

-- What any level knows of a tag, by bucket: tag_id, bucket, total, number, low, high.
-- Within LATERAL each arm is searched by tag and time; a join of aggregates would not be.
CREATE VIEW pumpjack.bucket_1min AS
SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
FROM pumpjack.series AS s
CROSS JOIN LATERAL (
    SELECT r.bucket, r.total, r.number, r.low, r.high
    FROM pumpjack.rollup_1min AS r
    WHERE r.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no
                        AND m.hour = date_bin('1 hour', r.bucket, 'epoch'))
    UNION ALL
    SELECT date_bin('1 minute', r.ts, 'epoch'), sum(r.value), count(*), min(r.value), max(r.value)
    FROM (SELECT DISTINCT m.hour FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.reading AS r
      ON r.tag_id = s.tag_id AND r.ts >= marked.hour AND r.ts < marked.hour + interval '1 hour'
    WHERE r.quality & 3 = 0 AND r.value IS NOT NULL
    GROUP BY 1
) AS b;

CREATE VIEW pumpjack.bucket_5min AS
SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
FROM pumpjack.series AS s
CROSS JOIN LATERAL (
    SELECT r.bucket, r.total, r.number, r.low, r.high
    FROM pumpjack.rollup_5min AS r
    WHERE r.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no
                        AND m.hour = date_bin('1 hour', r.bucket, 'epoch'))
    UNION ALL
    SELECT date_bin('5 minutes', r.ts, 'epoch'), sum(r.value), count(*), min(r.value), max(r.value)
    FROM (SELECT DISTINCT m.hour FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.reading AS r
      ON r.tag_id = s.tag_id AND r.ts >= marked.hour AND r.ts < marked.hour + interval '1 hour'
    WHERE r.quality & 3 = 0 AND r.value IS NOT NULL
    GROUP BY 1
) AS b;

CREATE VIEW pumpjack.bucket_1hour AS
SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
FROM pumpjack.series AS s
CROSS JOIN LATERAL (
    SELECT r.bucket, r.total, r.number, r.low, r.high
    FROM pumpjack.rollup_1hour AS r
    WHERE r.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no AND m.hour = r.bucket)
    UNION ALL
    SELECT marked.hour, sum(r.value), count(*), min(r.value), max(r.value)
    FROM (SELECT DISTINCT m.hour FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.reading AS r
      ON r.tag_id = s.tag_id AND r.ts >= marked.hour AND r.ts < marked.hour + interval '1 hour'
    WHERE r.quality & 3 = 0 AND r.value IS NOT NULL
    GROUP BY 1
) AS b;

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
                        AND m.hour >= r.bucket AND m.hour < r.bucket + interval '1 day')
    UNION ALL
    SELECT marked.day, sum(h.total), sum(h.number)::bigint, min(h.low), max(h.high)
    FROM (SELECT DISTINCT date_bin('1 day', m.hour, 'epoch') AS day
          FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.bucket_1hour AS h
      ON h.tag_id = s.tag_id AND h.bucket >= marked.day AND h.bucket < marked.day + interval '1 day'
    GROUP BY 1
) AS b;

-- Roll up at most `most` marked hours that are over; returns how many were. Only in a
-- REPEATABLE READ transaction, where marks and readings are of one snapshot.
CREATE FUNCTION pumpjack.roll_up(most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    part record;
    hours integer := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'repeatable read' THEN
        RAISE EXCEPTION 'roll_up needs a REPEATABLE READ transaction' USING ERRCODE = 'PJ004';
    END IF;
    FOR part IN
        SELECT m.connection_no, m.hour
        FROM pumpjack.mark AS m
        WHERE m.hour <= now() - interval '1 hour'
        GROUP BY m.connection_no, m.hour
        ORDER BY m.hour
        LIMIT most
    LOOP
        PERFORM pumpjack.make_rollup_partitions(part.hour, part.hour);
        PERFORM pumpjack.roll_up_hour(part.connection_no, part.hour);
        DELETE FROM pumpjack.mark AS m
         WHERE m.connection_no = part.connection_no AND m.hour = part.hour;
        hours := hours + 1;
    END LOOP;
    RETURN hours;
END
$$;

-- One connection's hour, and the day that it is of.
CREATE FUNCTION pumpjack.roll_up_hour(connection integer, hour timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    tags integer[] := ARRAY(SELECT s.tag_id FROM pumpjack.series AS s WHERE s.connection_no = connection);
    day timestamptz := date_trunc('day', hour);
BEGIN
    INSERT INTO pumpjack.rollup_1min AS old (bucket, tag_id, total, number, low, high)
    SELECT date_bin('1 minute', r.ts, 'epoch'), r.tag_id, sum(r.value), count(*), min(r.value), max(r.value)
    FROM pumpjack.reading AS r
    WHERE r.tag_id = ANY (tags) AND r.ts >= hour AND r.ts < hour + interval '1 hour'
      AND r.quality & 3 = 0 AND r.value IS NOT NULL
    GROUP BY 1, 2
    ON CONFLICT (tag_id, bucket) DO UPDATE
       SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high;

    INSERT INTO pumpjack.rollup_5min AS old (bucket, tag_id, total, number, low, high)
    SELECT date_bin('5 minutes', r.bucket, 'epoch'), r.tag_id, sum(r.total), sum(r.number), min(r.low), max(r.high)
    FROM pumpjack.rollup_1min AS r
    WHERE r.tag_id = ANY (tags) AND r.bucket >= hour AND r.bucket < hour + interval '1 hour'
    GROUP BY 1, 2
    ON CONFLICT (tag_id, bucket) DO UPDATE
       SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high;

    INSERT INTO pumpjack.rollup_1hour AS old (bucket, tag_id, total, number, low, high)
    SELECT hour, r.tag_id, sum(r.total), sum(r.number), min(r.low), max(r.high)
    FROM pumpjack.rollup_5min AS r
    WHERE r.tag_id = ANY (tags) AND r.bucket >= hour AND r.bucket < hour + interval '1 hour'
    GROUP BY r.tag_id
    ON CONFLICT (tag_id, bucket) DO UPDATE
       SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high;

    INSERT INTO pumpjack.rollup_1day AS old (bucket, tag_id, total, number, low, high)
    SELECT day, r.tag_id, sum(r.total), sum(r.number), min(r.low), max(r.high)
    FROM pumpjack.rollup_1hour AS r
    WHERE r.tag_id = ANY (tags) AND r.bucket >= day AND r.bucket < day + interval '1 day'
    GROUP BY r.tag_id
    ON CONFLICT (tag_id, bucket) DO UPDATE
       SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high;
END
$$;
