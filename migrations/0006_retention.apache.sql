-- Retention, where `pumpjack maintain` sees to it.
SET LOCAL ROLE pumpjack_owner;

-- Make chunks and partitions fit the settings: none past their time. Readings whose
-- hour still waits for its roll-up stay. Returns how many partitions were made or dropped.
CREATE FUNCTION pumpjack.apply_settings() RETURNS integer
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
    SELECT count(*) INTO v_changes FROM drop_chunks('pumpjack.reading', v_until);
    FOREACH v_parent IN ARRAY ARRAY['rollup_1min', 'rollup_5min', 'rollup_1hour', 'rollup_1day'] LOOP
        v_changes := v_changes + pumpjack.drop_partitions(
            v_parent, 'month', now() - make_interval(days => v_set.aggregate_days));
    END LOOP;
    RETURN v_changes;
END
$$;
