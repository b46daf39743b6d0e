-- What `pumpjack maintain` calls at every level. Rows that somebody holds locked are left for the
-- next pass: a tenant could hold its own for as long as it likes.
SET LOCAL ROLE pumpjack_owner;

-- Remove what is older than the settings say; returns how many rows. Cursors stay: a journal may
-- rest for longer than anything is kept, and must find its place again.
CREATE FUNCTION pumpjack.remove_expired() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_set pumpjack.settings;
    v_connection integer;
    v_rows integer;
    v_removed integer := 0;
BEGIN
    SELECT * INTO v_set FROM pumpjack.settings;
    FOR v_connection IN
        SELECT DISTINCT q.connection_no FROM pumpjack.quarantine AS q
        WHERE q.kept_at < now() - make_interval(days => v_set.quarantine_days)
    LOOP
        -- write_batch takes this lock first, too.
        PERFORM FROM pumpjack.connection AS c WHERE c.connection_no = v_connection FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        SELECT v_removed + count(*) INTO v_removed FROM pumpjack.quarantine AS q
        WHERE q.connection_no = v_connection AND q.kept_at < now() - make_interval(days => v_set.quarantine_days);
        WITH gone AS (
            DELETE FROM pumpjack.quarantine AS q
            WHERE q.connection_no = v_connection AND q.kept_at < now() - make_interval(days => v_set.quarantine_days)
            RETURNING q.reason
        )
        UPDATE pumpjack.quarantine_total AS t SET kept = t.kept - g.number
        FROM (SELECT gone.reason, count(*) AS number FROM gone GROUP BY gone.reason) AS g
        WHERE t.connection_no = v_connection AND t.reason = g.reason;
    END LOOP;
    DELETE FROM pumpjack.audit_logs AS a WHERE a.at < now() - make_interval(days => v_set.audit_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    RETURN v_removed + v_rows;
END
$$;

-- One pass at a time: false when another maintain is at work.
CREATE FUNCTION pumpjack.take_turn() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM pumpjack.upkeep FOR UPDATE SKIP LOCKED;
    RETURN FOUND;
END
$$;

GRANT EXECUTE ON FUNCTION pumpjack.remove_expired(), pumpjack.take_turn(), pumpjack.apply_settings() TO pumpjack_maintain;
GRANT SELECT ON pumpjack.settings TO pumpjack_maintain;
