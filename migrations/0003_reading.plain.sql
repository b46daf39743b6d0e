-- Readings, one partition a day (UTC). There is no default partition: write_batch makes what is
-- missing, so a late reading is never refused, and `pumpjack maintain` works ahead of it.
SET LOCAL ROLE pumpjack_owner;

CREATE TABLE pumpjack.reading (
    ts timestamptz NOT NULL,
    tag_id integer NOT NULL,
    quality smallint NOT NULL,
    value double precision,
    UNIQUE (tag_id, ts)
) PARTITION BY RANGE (ts);

-- The partitions of the days of [first, last]. The lock makes two callers take turns, and lets
-- readers and writers pass. Everything that a caller's session could bend is set here.
CREATE FUNCTION pumpjack.make_reading_partitions(first timestamptz, last timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET default_tablespace = '' SET default_table_access_method = 'heap' AS $$
DECLARE
    day timestamptz;
    part text;
    made integer := 0;
BEGIN
    LOCK TABLE pumpjack.reading IN SHARE UPDATE EXCLUSIVE MODE;
    FOR day IN SELECT generate_series(date_trunc('day', first), last, '1 day') LOOP
        part := 'reading_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass('pumpjack.' || part) IS NOT NULL;
        -- Readings are never updated: vacuum only for the index-only scans and the freezing.
        EXECUTE format('CREATE TABLE pumpjack.%I (LIKE pumpjack.reading)', part);
        EXECUTE format('ALTER TABLE pumpjack.reading ATTACH PARTITION pumpjack.%I FOR VALUES FROM (%L) TO (%L)',
                       part, day, day + interval '1 day');
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

SELECT pumpjack.make_reading_partitions(now() - interval '3 days', now() + interval '14 days');
