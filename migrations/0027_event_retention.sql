-- Events and commands go with settings.event_days; the audit log is cut at its beginning.
SET LOCAL ROLE pumpjack_owner;

-- The oldest events of each tenant, and commands that ended. Returns how many rows went.
CREATE FUNCTION pumpjack.remove_events(p_until timestamptz) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text;
    v_rows integer;
    v_removed integer := 0;
BEGIN
    FOR v_tenant IN SELECT h.tenant_id FROM pumpjack.event_head AS h ORDER BY h.tenant_id LOOP
        -- A beginning, so that what stays has no hole in its numbers.
        DELETE FROM pumpjack.events AS e
        WHERE e.tenant_id = v_tenant AND e.recorded_at < p_until AND e.event_no < coalesce(
            (SELECT s.event_no FROM pumpjack.events AS s WHERE s.tenant_id = v_tenant AND s.recorded_at >= p_until
             ORDER BY s.event_no LIMIT 1), 9223372036854775807);
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_removed := v_removed + v_rows;
        PERFORM FROM pumpjack.event_head AS h WHERE h.tenant_id = v_tenant FOR NO KEY UPDATE SKIP LOCKED;
        CONTINUE WHEN NOT FOUND;
        WITH old AS (
            SELECT c.command_id FROM pumpjack.commands AS c
            WHERE c.tenant_id = v_tenant AND c.done_at < p_until FOR UPDATE SKIP LOCKED
        ), steps AS (
            DELETE FROM pumpjack.command_steps AS p USING old WHERE p.command_id = old.command_id
        )
        DELETE FROM pumpjack.commands AS c USING old WHERE c.command_id = old.command_id;
        GET DIAGNOSTICS v_rows = ROW_COUNT;
        v_removed := v_removed + v_rows;
        DELETE FROM pumpjack.alarm AS a
        WHERE a.tenant_id = v_tenant AND a.removed AND a.state = 'normal' AND a.made_at < p_until
          AND NOT EXISTS (SELECT FROM pumpjack.events AS e WHERE e.alarm_id = a.alarm_id);
    END LOOP;
    RETURN v_removed;
END
$$;

-- As in 0017; events, commands and the audit as above.
CREATE OR REPLACE FUNCTION pumpjack.remove_expired() RETURNS integer
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
    DELETE FROM pumpjack.hole AS h WHERE h.told_at < now() - make_interval(days => v_set.aggregate_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_removed := v_removed + v_rows;
    DELETE FROM pumpjack.ingest_hour AS h
    USING pumpjack.connection AS c
    WHERE h.connection_no = c.connection_no AND h.hour < now() - make_interval(days => v_set.aggregate_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_removed := v_removed + v_rows + pumpjack.remove_events(now() - make_interval(days => v_set.event_days));
    v_removed := v_removed + pumpjack.cut_audit(now() - make_interval(days => v_set.audit_days));
    UPDATE pumpjack.upkeep SET last_run = now();
    RETURN v_removed;
END
$$;
