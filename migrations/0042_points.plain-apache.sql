-- What a chart needs of long ranges: beside the roll-ups, which know GOOD readings only, how many readings
-- were UNCERTAIN or BAD, and how far the UNCERTAIN ones reach. `pumpjack maintain` rolls them up with the
-- others, from the same marks; write_batch does nothing for it.
SET LOCAL ROLE pumpjack_owner;
-- No pass of maintain is between two versions of what follows.
SELECT FROM pumpjack.upkeep FOR UPDATE;

-- level: 1 UNCERTAIN, 2 BAD. total, low and high: of the UNCERTAIN readings; values of BAD ones count for nothing.
CREATE TABLE pumpjack.doubt_1min (
    bucket timestamptz NOT NULL,
    tag_id integer NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    total double precision,
    low double precision,
    high double precision,
    PRIMARY KEY (tag_id, bucket, level)
) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.doubt_5min (LIKE pumpjack.doubt_1min, PRIMARY KEY (tag_id, bucket, level)) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.doubt_1hour (LIKE pumpjack.doubt_1min, PRIMARY KEY (tag_id, bucket, level)) PARTITION BY RANGE (bucket);
CREATE TABLE pumpjack.doubt_1day (LIKE pumpjack.doubt_1min, PRIMARY KEY (tag_id, bucket, level)) PARTITION BY RANGE (bucket);

-- From `since` on the tables above are whole. What was rolled up before them is looked through by
-- look_back(), back to `oldest`; of what is older nothing but the roll-ups is left.
CREATE TABLE pumpjack.doubt_known (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    since timestamptz NOT NULL,
    oldest timestamptz NOT NULL
);
INSERT INTO pumpjack.doubt_known (since, oldest)
SELECT CASE WHEN first.ts IS NULL THEN '-infinity' ELSE date_bin('1 hour', clock_timestamp(), 'epoch') END,
       coalesce(date_bin('1 hour', first.ts, 'epoch'), '-infinity')
FROM (SELECT min(r.ts) AS ts
      FROM pumpjack.series AS s
      CROSS JOIN LATERAL (SELECT l.ts FROM pumpjack.reading AS l WHERE l.tag_id = s.tag_id ORDER BY l.ts LIMIT 1) AS r
     ) AS first;

-- What is known of a tag, by bucket and level: level 0 from the roll-ups, 1 and 2 from the tables above,
-- and all of them from the readings of marked hours. total, low and high are NULL for BAD.
DO $$
DECLARE
    step record;
BEGIN
    FOR step IN SELECT * FROM (VALUES ('1min', '1 minute'), ('5min', '5 minutes'), ('1hour', '1 hour')) AS step (name, width) LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.points_%1$s AS
            SELECT s.tag_id, b.bucket, b.level, b.number, b.total, b.low, b.high
            FROM pumpjack.series AS s
            CROSS JOIN LATERAL (
                SELECT r.bucket, 0 AS level, r.number, r.total, r.low, r.high
                FROM pumpjack.rollup_%1$s AS r
                WHERE r.tag_id = s.tag_id
                  AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                                  WHERE m.connection_no = s.connection_no
                                    AND m.hour = date_bin('1 hour', r.bucket, 'epoch'))
                UNION ALL
                SELECT d.bucket, d.level, d.number, d.total, d.low, d.high
                FROM pumpjack.doubt_%1$s AS d
                WHERE d.tag_id = s.tag_id
                  AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                                  WHERE m.connection_no = s.connection_no
                                    AND m.hour = date_bin('1 hour', d.bucket, 'epoch'))
                UNION ALL
                SELECT date_bin(%2$L, r.ts, 'epoch'), least(r.quality & 3, 2), count(*),
                       sum(r.value) FILTER (WHERE r.quality & 3 < 2),
                       min(r.value) FILTER (WHERE r.quality & 3 < 2), max(r.value) FILTER (WHERE r.quality & 3 < 2)
                FROM (SELECT DISTINCT m.hour FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no) AS marked
                JOIN pumpjack.reading AS r
                  ON r.tag_id = s.tag_id AND r.ts >= marked.hour AND r.ts < marked.hour + interval '1 hour'
                GROUP BY 1, 2
            ) AS b
        $view$, step.name, step.width);
    END LOOP;
END
$$;

-- A day with a marked hour is added up from its hours.
CREATE VIEW pumpjack.points_1day AS
SELECT s.tag_id, b.bucket, b.level, b.number, b.total, b.low, b.high
FROM pumpjack.series AS s
CROSS JOIN LATERAL (
    SELECT r.bucket, 0 AS level, r.number, r.total, r.low, r.high
    FROM pumpjack.rollup_1day AS r
    WHERE r.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no
                        AND m.hour >= r.bucket AND m.hour < r.bucket + interval '24 hours')
    UNION ALL
    SELECT d.bucket, d.level, d.number, d.total, d.low, d.high
    FROM pumpjack.doubt_1day AS d
    WHERE d.tag_id = s.tag_id
      AND NOT EXISTS (SELECT FROM pumpjack.mark AS m
                      WHERE m.connection_no = s.connection_no
                        AND m.hour >= d.bucket AND m.hour < d.bucket + interval '24 hours')
    UNION ALL
    SELECT marked.day, h.level, sum(h.number)::bigint, sum(h.total), min(h.low), max(h.high)
    FROM (SELECT DISTINCT date_bin('1 day', m.hour, 'epoch') AS day
          FROM pumpjack.mark AS m WHERE m.connection_no = s.connection_no) AS marked
    JOIN pumpjack.points_1hour AS h
      ON h.tag_id = s.tag_id AND h.bucket >= marked.day AND h.bucket < marked.day + interval '24 hours'
    GROUP BY 1, 2
) AS b;

-- Add up the minutes of [start, until) of some tags, GOOD readings and the others in one pass.
CREATE FUNCTION pumpjack.roll_up_minutes(p_tags integer[], p_start timestamptz, p_until timestamptz) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM pumpjack.make_partitions('rollup_1min', 'month', p_start, p_start);
    PERFORM pumpjack.make_partitions('doubt_1min', 'month', p_start, p_start);
    -- EXECUTE plans with the times at hand, so that it opens only the partitions it needs.
    EXECUTE $insert$
        WITH minute AS MATERIALIZED (
            SELECT date_bin('1 minute', r.ts, 'epoch') AS bucket, r.tag_id, r.quality & 3 AS level,
                   count(*) AS number, sum(r.value) AS total, min(r.value) AS low, max(r.value) AS high
            FROM pumpjack.reading AS r
            WHERE r.tag_id = ANY ($1) AND r.ts >= $2 AND r.ts < $3 AND (r.value IS NOT NULL OR r.quality & 3 > 0)
            GROUP BY 1, 2, 3
        ), good AS (
            INSERT INTO pumpjack.rollup_1min (bucket, tag_id, total, number, low, high)
            SELECT m.bucket, m.tag_id, m.total, m.number, m.low, m.high
            FROM minute AS m WHERE m.level = 0
            ON CONFLICT (tag_id, bucket) DO UPDATE
               SET total = EXCLUDED.total, number = EXCLUDED.number, low = EXCLUDED.low, high = EXCLUDED.high
        )
        INSERT INTO pumpjack.doubt_1min (bucket, tag_id, level, number, total, low, high)
        SELECT m.bucket, m.tag_id, least(m.level, 2), sum(m.number), sum(m.total) FILTER (WHERE m.level = 1),
               min(m.low) FILTER (WHERE m.level = 1), max(m.high) FILTER (WHERE m.level = 1)
        FROM minute AS m WHERE m.level > 0
        GROUP BY 1, 2, 3
        ON CONFLICT (tag_id, bucket, level) DO UPDATE
           SET number = EXCLUDED.number, total = EXCLUDED.total, low = EXCLUDED.low, high = EXCLUDED.high
    $insert$ USING p_tags, p_start, p_until;
END
$$;

-- Add up the doubt of [start, until) of some tags into wider buckets.
CREATE FUNCTION pumpjack.roll_up_doubt(
    p_target text, p_width text, p_source text, p_tags integer[], p_start timestamptz, p_until timestamptz
) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
BEGIN
    PERFORM pumpjack.make_partitions(p_target, 'month', p_start, p_start);
    EXECUTE format($insert$
        INSERT INTO pumpjack.%I (bucket, tag_id, level, number, total, low, high)
        SELECT date_bin(%L, d.bucket, 'epoch'), d.tag_id, d.level, sum(d.number), sum(d.total), min(d.low), max(d.high)
        FROM pumpjack.%I AS d
        WHERE d.tag_id = ANY ($1) AND d.bucket >= $2 AND d.bucket < $3
        GROUP BY 1, 2, 3
        ON CONFLICT (tag_id, bucket, level) DO UPDATE
           SET number = EXCLUDED.number, total = EXCLUDED.total, low = EXCLUDED.low, high = EXCLUDED.high
    $insert$, p_target, p_width, p_source) USING p_tags, p_start, p_until;
END
$$;

-- As in 0005, and the doubt with it: roll up the marked hours that are over, the oldest first, until at
-- least `enough` of them (each of each connection counts) are done; returns how many. Only in a REPEATABLE
-- READ transaction, where marks and readings are of one snapshot.
CREATE OR REPLACE FUNCTION pumpjack.roll_up(enough integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_part record;
    v_hour interval := interval '1 hour';
    v_until timestamptz;
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
        v_until := v_part.hour + v_hour;
        PERFORM pumpjack.roll_up_minutes(v_tags, v_part.hour, v_until);
        PERFORM pumpjack.roll_up_buckets('rollup_5min', '5 minutes', 'pumpjack.rollup_1min', v_tags, v_part.hour, v_until);
        PERFORM pumpjack.roll_up_buckets('rollup_1hour', '1 hour', 'pumpjack.rollup_5min', v_tags, v_part.hour, v_until);
        PERFORM pumpjack.roll_up_doubt('doubt_5min', '5 minutes', 'doubt_1min', v_tags, v_part.hour, v_until);
        PERFORM pumpjack.roll_up_doubt('doubt_1hour', '1 hour', 'doubt_5min', v_tags, v_part.hour, v_until);
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
            v_until := v_part.day + 24 * v_hour;
            PERFORM pumpjack.roll_up_buckets('rollup_1day', '1 day', 'pumpjack.rollup_1hour', v_all, v_part.day, v_until);
            PERFORM pumpjack.roll_up_doubt('doubt_1day', '1 day', 'doubt_1hour', v_all, v_part.day, v_until);
        END LOOP;
    END IF;
    RETURN v_done;
END
$$;
-- Nothing asks for it any more.
DROP VIEW pumpjack.bucket_of_one;

-- Look through readings that were rolled up before doubt was kept, from the newest hour back, for at
-- most so many seconds (an hour that was begun is finished); returns how many hours that were.
CREATE FUNCTION pumpjack.look_back(p_seconds double precision) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    v_known pumpjack.doubt_known;
    v_oldest timestamptz;
    v_tags integer[];
    v_day timestamptz;
    v_newest timestamptz;
    v_done integer := 0;
    v_end timestamptz := clock_timestamp() + make_interval(secs => p_seconds);
BEGIN
    SELECT * INTO v_known FROM pumpjack.doubt_known FOR UPDATE;
    -- Of older days some readings may be dropped already.
    SELECT greatest(v_known.oldest, date_bin('1 day', now() - make_interval(days => s.raw_days - 1), 'epoch'))
    INTO v_oldest FROM pumpjack.settings AS s;
    IF v_known.since <= v_oldest THEN
        RETURN 0;
    END IF;
    v_newest := v_known.since;
    v_tags := ARRAY(SELECT s.tag_id FROM pumpjack.series AS s);
    LOOP
        v_known.since := v_known.since - interval '1 hour';
        PERFORM pumpjack.make_partitions('doubt_1min', 'month', v_known.since, v_known.since);
        EXECUTE $insert$
            INSERT INTO pumpjack.doubt_1min (bucket, tag_id, level, number, total, low, high)
            SELECT date_bin('1 minute', r.ts, 'epoch'), r.tag_id, least(r.quality & 3, 2), count(*),
                   sum(r.value) FILTER (WHERE r.quality & 3 = 1), min(r.value) FILTER (WHERE r.quality & 3 = 1),
                   max(r.value) FILTER (WHERE r.quality & 3 = 1)
            FROM pumpjack.reading AS r
            WHERE r.tag_id = ANY ($1) AND r.ts >= $2 AND r.ts < $3 AND r.quality & 3 > 0
            GROUP BY 1, 2, 3
            ON CONFLICT (tag_id, bucket, level) DO UPDATE
               SET number = EXCLUDED.number, total = EXCLUDED.total, low = EXCLUDED.low, high = EXCLUDED.high
        $insert$ USING v_tags, v_known.since, v_known.since + interval '1 hour';
        PERFORM pumpjack.roll_up_doubt(
            'doubt_5min', '5 minutes', 'doubt_1min', v_tags, v_known.since, v_known.since + interval '1 hour');
        PERFORM pumpjack.roll_up_doubt(
            'doubt_1hour', '1 hour', 'doubt_5min', v_tags, v_known.since, v_known.since + interval '1 hour');
        v_done := v_done + 1;
        EXIT WHEN v_known.since <= v_oldest OR clock_timestamp() > v_end;
    END LOOP;
    FOR v_day IN SELECT generate_series(date_trunc('day', v_known.since), v_newest, '1 day') LOOP
        PERFORM pumpjack.roll_up_doubt('doubt_1day', '1 day', 'doubt_1hour', v_tags, v_day, v_day + interval '24 hours');
    END LOOP;
    UPDATE pumpjack.doubt_known SET since = v_known.since;
    RETURN v_done;
END
$$;

-- As in 0006, for both levels, and for the doubt: make chunks and partitions fit the settings, none past
-- their time. Readings whose hour still waits for its roll-up stay. Returns how many partitions were made
-- or dropped.
CREATE OR REPLACE FUNCTION pumpjack.apply_settings() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
    v_set pumpjack.settings;
    v_until timestamptz;
    v_parent text;
    v_changes integer;
BEGIN
    SELECT * INTO v_set FROM pumpjack.settings;
    SELECT least(now() - make_interval(days => v_set.raw_days), min(m.hour)) INTO v_until FROM pumpjack.mark AS m;
    IF v_set.level = 'plain' THEN
        v_changes := pumpjack.make_partitions('reading', 'day', now(), now() + interval '14 days')
                   + pumpjack.drop_partitions('reading', 'day', v_until);
    ELSE
        SELECT count(*) INTO v_changes FROM drop_chunks('pumpjack.reading', v_until);
    END IF;
    FOREACH v_parent IN ARRAY ARRAY['rollup_1min', 'rollup_5min', 'rollup_1hour', 'rollup_1day',
                                    'doubt_1min', 'doubt_5min', 'doubt_1hour', 'doubt_1day'] LOOP
        v_changes := v_changes + pumpjack.drop_partitions(
            v_parent, 'month', now() - make_interval(days => v_set.aggregate_days));
    END LOOP;
    RETURN v_changes;
END
$$;

REVOKE EXECUTE ON FUNCTION
    pumpjack.roll_up_minutes(integer[], timestamptz, timestamptz),
    pumpjack.roll_up_doubt(text, text, text, integer[], timestamptz, timestamptz),
    pumpjack.look_back(double precision)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.look_back(double precision) TO pumpjack_maintain;
