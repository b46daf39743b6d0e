-- What a chart needs of long ranges: beside the roll-ups, which know GOOD readings only, how many readings
-- were UNCERTAIN or BAD, and how far the UNCERTAIN ones reach: continuous aggregates like those of 0005.
SET LOCAL ROLE pumpjack_owner;

-- level: 1 UNCERTAIN, 2 BAD. total, low and high: of the UNCERTAIN readings; values of BAD ones count for nothing.
CREATE MATERIALIZED VIEW pumpjack.doubt_1min WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 minute', ts) AS bucket, tag_id, CASE WHEN quality & 3 = 1 THEN 1 ELSE 2 END AS level,
       count(*) AS number, sum(value) FILTER (WHERE quality & 3 = 1) AS total,
       min(value) FILTER (WHERE quality & 3 = 1) AS low, max(value) FILTER (WHERE quality & 3 = 1) AS high
FROM pumpjack.reading
WHERE quality & 3 > 0
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.doubt_5min WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('5 minutes', bucket) AS bucket, tag_id, level,
       sum(number)::bigint AS number, sum(total) AS total, min(low) AS low, max(high) AS high
FROM pumpjack.doubt_1min
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.doubt_1hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 hour', bucket) AS bucket, tag_id, level,
       sum(number)::bigint AS number, sum(total) AS total, min(low) AS low, max(high) AS high
FROM pumpjack.doubt_5min
GROUP BY 1, 2, 3
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.doubt_1day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 day', bucket) AS bucket, tag_id, level,
       sum(number)::bigint AS number, sum(total) AS total, min(low) AS low, max(high) AS high
FROM pumpjack.doubt_1hour
GROUP BY 1, 2, 3
WITH NO DATA;

ALTER MATERIALIZED VIEW pumpjack.doubt_1min SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.doubt_5min SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.doubt_1hour SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.doubt_1day SET (timescaledb.compress = true);

-- From `since` on they are whole: the policies go back a day less than readings are kept.
CREATE TABLE pumpjack.doubt_known (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    since timestamptz NOT NULL
);
INSERT INTO pumpjack.doubt_known (since)
SELECT CASE WHEN EXISTS (SELECT FROM pumpjack.reading)
            THEN date_bin('1 day', now() - make_interval(days => s.raw_days - 2), 'epoch') ELSE '-infinity' END
FROM pumpjack.settings AS s;

-- What is known of a tag, by bucket and level: level 0 from the roll-ups. total, low and high are NULL for BAD.
-- The GROUP BYs change nothing (0005 says why they are there).
DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1min', '5min', '1hour', '1day'] LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.points_%1$s AS
            SELECT s.tag_id, b.bucket, b.level, b.number, b.total, b.low, b.high
            FROM pumpjack.series AS s
            CROSS JOIN LATERAL (
                SELECT r.bucket, 0 AS level, sum(r.number)::bigint AS number, sum(r.total) AS total,
                       min(r.low) AS low, max(r.high) AS high
                FROM pumpjack.rollup_%1$s AS r
                WHERE r.tag_id = s.tag_id
                GROUP BY r.bucket
                UNION ALL
                SELECT d.bucket, d.level, sum(d.number)::bigint, sum(d.total), min(d.low), max(d.high)
                FROM pumpjack.doubt_%1$s AS d
                WHERE d.tag_id = s.tag_id
                GROUP BY d.bucket, d.level
            ) AS b
        $view$, step);
    END LOOP;
END
$$;

-- As in 0005, for the doubt, too. Make the policies fit the settings; changes nothing when they fit already.
--
-- A refresh window that reaches dropped chunks would delete the aggregates, so it begins a day
-- inside what is kept, and write_batch takes nothing older than a day inside the window:
-- raw_days - 2 < raw_days - 1 < raw_days.
CREATE OR REPLACE FUNCTION pumpjack.apply_settings() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_set pumpjack.settings;
    v_wanted text;
    v_step record;
BEGIN
    SELECT * INTO v_set FROM pumpjack.settings;
    v_wanted := format('%s/%s/%s with doubt', v_set.raw_days, v_set.aggregate_days, v_set.compress_after_days);
    IF EXISTS (SELECT FROM pumpjack.policy AS p WHERE p.applied = v_wanted) THEN
        RETURN 0;
    END IF;
    PERFORM remove_compression_policy('pumpjack.reading', if_exists => true);
    PERFORM add_compression_policy('pumpjack.reading', make_interval(days => v_set.compress_after_days));
    PERFORM remove_retention_policy('pumpjack.reading', if_exists => true);
    PERFORM add_retention_policy('pumpjack.reading', make_interval(days => v_set.raw_days));
    FOR v_step IN
        SELECT * FROM (VALUES
            ('pumpjack.rollup_1min'::regclass, interval '1 minute', interval '1 minute'),
            ('pumpjack.rollup_5min', interval '5 minutes', interval '2 minutes'),
            ('pumpjack.rollup_1hour', interval '1 hour', interval '5 minutes'),
            ('pumpjack.rollup_1day', interval '1 day', interval '15 minutes'),
            ('pumpjack.doubt_1min', interval '1 minute', interval '1 minute'),
            ('pumpjack.doubt_5min', interval '5 minutes', interval '2 minutes'),
            ('pumpjack.doubt_1hour', interval '1 hour', interval '5 minutes'),
            ('pumpjack.doubt_1day', interval '1 day', interval '15 minutes')
        ) AS step (rollup, bucket, every)
    LOOP
        PERFORM remove_continuous_aggregate_policy(v_step.rollup, if_exists => true);
        PERFORM add_continuous_aggregate_policy(
            v_step.rollup, start_offset => make_interval(days => v_set.raw_days - 1),
            end_offset => v_step.bucket, schedule_interval => v_step.every);
        -- No refresh may reach into compressed buckets.
        PERFORM remove_compression_policy(v_step.rollup, if_exists => true);
        PERFORM add_compression_policy(v_step.rollup, make_interval(days => v_set.raw_days));
        PERFORM remove_retention_policy(v_step.rollup, if_exists => true);
        PERFORM add_retention_policy(v_step.rollup, make_interval(days => v_set.aggregate_days));
    END LOOP;
    DELETE FROM pumpjack.policy;
    INSERT INTO pumpjack.policy (applied) VALUES (v_wanted);
    RETURN 1;
END
$$;
SELECT pumpjack.apply_settings();
