-- Partitions by time, where TimescaleDB does not make them.
SET LOCAL ROLE pumpjack_owner;

-- Make what is missing of the partitions of pumpjack.parent, each a `width` (day or month, UTC),
-- that hold [first, last]. The lock makes two callers take turns and lets readers and writers
-- pass. What a caller's session could bend is set here: write_batch calls this for late readings.
CREATE FUNCTION pumpjack.make_partitions(parent text, width text, first timestamptz, last timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
SET default_tablespace = '' SET default_table_access_method = 'heap' AS $$
DECLARE
    start timestamptz;
    part text;
    made integer := 0;
BEGIN
    EXECUTE format('LOCK TABLE pumpjack.%I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    FOR start IN SELECT generate_series(date_trunc(width, first), last, ('1 ' || width)::interval) LOOP
        part := parent || to_char(start, '_YYYYMMDD');
        CONTINUE WHEN to_regclass('pumpjack.' || part) IS NOT NULL;
        -- ATTACH, because PARTITION OF would lock readers and writers out.
        EXECUTE format('CREATE TABLE pumpjack.%I (LIKE pumpjack.%I)', part, parent);
        EXECUTE format('ALTER TABLE pumpjack.%I ATTACH PARTITION pumpjack.%I FOR VALUES FROM (%L) TO (%L)',
                       parent, part, start, start + ('1 ' || width)::interval);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Drop the partitions that end before `until`. A reader in the way makes it give up after a
-- second: waiting would make every writer wait behind it. The next pass tries again.
CREATE FUNCTION pumpjack.drop_partitions(parent text, width text, until timestamptz) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s' AS $$
DECLARE
    part text;
    dropped integer := 0;
BEGIN
    FOR part IN
        SELECT c.relname
        FROM pg_inherits AS i
        JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = to_regclass('pumpjack.' || parent)
        ORDER BY c.relname
    LOOP
        EXIT WHEN to_timestamp(right(part, 8), 'YYYYMMDD') + ('1 ' || width)::interval > until;
        EXECUTE format('DROP TABLE pumpjack.%I', part);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;
