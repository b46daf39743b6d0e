-- Events and commands go with settings.event_days; the audit log is cut at its beginning.
SET LOCAL ROLE pumpjack_owner;

-- The oldest events of a tenant, and commands that ended, at most so many of each. Returns how many rows went.
CREATE FUNCTION pumpjack.remove_events(p_tenant text, p_until timestamptz, p_most integer) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_no bigint;
    v_rows integer;
    v_removed integer := 0;
BEGIN
    -- A beginning, so that what stays has no hole in its numbers.
    SELECT max(o.event_no) INTO v_no
    FROM (SELECT f.event_no, bool_and(f.recorded_at < p_until) OVER (ORDER BY f.event_no) AS goes
          FROM (SELECT e.event_no, e.recorded_at FROM pumpjack.events AS e WHERE e.tenant_id = p_tenant
                ORDER BY e.event_no LIMIT p_most) AS f) AS o
    WHERE o.goes;
    DELETE FROM pumpjack.events AS e WHERE e.tenant_id = p_tenant AND e.event_no <= v_no;
    GET DIAGNOSTICS v_removed = ROW_COUNT;
    PERFORM FROM pumpjack.event_head AS h WHERE h.tenant_id = p_tenant FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN v_removed;
    END IF;
    WITH old AS (
        SELECT c.command_id FROM pumpjack.commands AS c
        WHERE c.tenant_id = p_tenant AND c.done_at < p_until ORDER BY c.done_at LIMIT p_most FOR UPDATE SKIP LOCKED
    ), steps AS (
        DELETE FROM pumpjack.command_steps AS p USING old WHERE p.command_id = old.command_id
    )
    DELETE FROM pumpjack.commands AS c USING old WHERE c.command_id = old.command_id;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    DELETE FROM pumpjack.alarm AS a
    WHERE a.tenant_id = p_tenant AND a.removed AND a.state = 'normal' AND a.made_at < p_until
      AND NOT EXISTS (SELECT FROM pumpjack.events AS e WHERE e.alarm_id = a.alarm_id);
    RETURN v_removed + v_rows;
END
$$;

-- Tenants that have something older than the settings say, of what remove_expired_of() removes.
CREATE FUNCTION pumpjack.tenants_with_expired() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tenant_id
    FROM (SELECT h.tenant_id FROM pumpjack.event_head AS h UNION SELECT h.tenant_id FROM pumpjack.audit_head AS h) AS t,
         (SELECT now() - make_interval(days => s.event_days) AS events,
                 now() - make_interval(days => s.audit_days) AS audit FROM pumpjack.settings AS s) AS until
    WHERE (SELECT e.recorded_at FROM pumpjack.events AS e WHERE e.tenant_id = t.tenant_id
           ORDER BY e.event_no LIMIT 1) < until.events
       OR EXISTS (SELECT FROM pumpjack.commands AS c WHERE c.tenant_id = t.tenant_id AND c.done_at < until.events)
       OR (SELECT a.at FROM pumpjack.audit_logs AS a WHERE a.tenant_id = t.tenant_id
           ORDER BY a.audit_no LIMIT 1) < until.audit - interval '1 day'
    ORDER BY t.tenant_id
$$;

-- A tenant's events, commands and audit that are older than the settings say, at most so many of each: a
-- transaction of its own, for whoever acknowledges or commands waits for it. Returns how many rows went.
CREATE FUNCTION pumpjack.remove_expired_of(p_tenant text, p_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_set pumpjack.settings;
BEGIN
    SELECT * INTO v_set FROM pumpjack.settings;
    RETURN pumpjack.remove_events(p_tenant, now() - make_interval(days => v_set.event_days), p_most)
         + pumpjack.cut_audit(p_tenant, now() - make_interval(days => v_set.audit_days), p_most);
END
$$;

-- As in 0017, without what goes tenant by tenant.
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
    v_removed := v_removed + v_rows;
    UPDATE pumpjack.upkeep SET last_run = now();
    RETURN v_removed;
END
$$;

GRANT EXECUTE ON FUNCTION pumpjack.tenants_with_expired(), pumpjack.remove_expired_of(text, integer) TO pumpjack_maintain;
