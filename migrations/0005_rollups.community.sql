-- Roll-ups as continuous aggregates, each made from the finer one, and the policies.
SET LOCAL ROLE pumpjack_owner;

-- Sum and count, never an average: averages cannot be added up. WITH NO DATA: a migration's
-- transaction cannot refresh; the policies do.
CREATE MATERIALIZED VIEW pumpjack.rollup_1min WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 minute', ts) AS bucket, tag_id,
       sum(value) AS total, count(*) AS number, min(value) AS low, max(value) AS high
FROM pumpjack.reading
WHERE quality & 3 = 0 AND value IS NOT NULL
GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.rollup_5min WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('5 minutes', bucket) AS bucket, tag_id,
       sum(total) AS total, sum(number)::bigint AS number, min(low) AS low, max(high) AS high
FROM pumpjack.rollup_1min
GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.rollup_1hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 hour', bucket) AS bucket, tag_id,
       sum(total) AS total, sum(number)::bigint AS number, min(low) AS low, max(high) AS high
FROM pumpjack.rollup_5min
GROUP BY 1, 2
WITH NO DATA;

CREATE MATERIALIZED VIEW pumpjack.rollup_1day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS
SELECT time_bucket('1 day', bucket) AS bucket, tag_id,
       sum(total) AS total, sum(number)::bigint AS number, min(low) AS low, max(high) AS high
FROM pumpjack.rollup_1hour
GROUP BY 1, 2
WITH NO DATA;

ALTER TABLE pumpjack.reading SET (
    timescaledb.compress, timescaledb.compress_segmentby = 'tag_id', timescaledb.compress_orderby = 'ts DESC');
ALTER MATERIALIZED VIEW pumpjack.rollup_1min SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.rollup_5min SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.rollup_1hour SET (timescaledb.compress = true);
ALTER MATERIALIZED VIEW pumpjack.rollup_1day SET (timescaledb.compress = true);

-- What any level knows of a tag, by bucket. The GROUP BY changes nothing (a bucket is there once);
-- it keeps the planner from turning the search by tag into a join over all tags' aggregates.
DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1min', '5min', '1hour', '1day'] LOOP
        EXECUTE format($view$
            CREATE VIEW pumpjack.bucket_%1$s AS
            SELECT s.tag_id, b.bucket, b.total, b.number, b.low, b.high
            FROM pumpjack.series AS s
            CROSS JOIN LATERAL (
                SELECT r.bucket, sum(r.total) AS total, sum(r.number)::bigint AS number, min(r.low) AS low, max(r.high) AS high
                FROM pumpjack.rollup_%1$s AS r
                WHERE r.tag_id = s.tag_id
                GROUP BY r.bucket
            ) AS b
        $view$, step);
    END LOOP;
END
$$;

-- Make the policies fit the settings. Called here and by `pumpjack maintain`; changes nothing
-- when they fit already.
--
-- A refresh window that reaches dropped chunks would delete the aggregates, so it begins a day
-- inside what is kept, and write_batch takes nothing older than a day inside the window:
-- raw_days - 2 < raw_days - 1 < raw_days.
CREATE FUNCTION pumpjack.apply_settings() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    v_set pumpjack.settings;
    v_wanted text;
    v_step record;
BEGIN
    SELECT * INTO v_set FROM pumpjack.settings;
    v_wanted := format('%s/%s/%s', v_set.raw_days, v_set.aggregate_days, v_set.compress_after_days);
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
            ('pumpjack.rollup_1day', interval '1 day', interval '15 minutes')
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

CREATE TABLE pumpjack.policy (applied text NOT NULL);
SELECT pumpjack.apply_settings();
