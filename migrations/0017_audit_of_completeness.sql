-- What `pumpjack reconcile`, `pumpjack storage status` and `pumpjack quarantine` ask.
SET LOCAL ROLE pumpjack_owner;

-- By journal and hour of the readings' time: received = stored + duplicates + quarantined. The nil uuid
-- is what was replayed from the quarantine.
CREATE VIEW pumpjack.scada_ingest_hours WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, a.journal_id, a.hour, sum(a.received)::bigint AS received,
       sum(a.stored)::bigint AS stored, sum(a.duplicates)::bigint AS duplicates,
       sum(a.shifted)::bigint AS shifted, sum(a.quarantined)::bigint AS quarantined
FROM (SELECT h.connection_no, h.journal_id, h.hour, h.received, h.stored, h.duplicates, h.shifted, h.quarantined
      FROM pumpjack.ingest_hour AS h
      UNION ALL
      SELECT j.connection_no, j.journal_id, j.hour, j.stored + j.duplicates, j.stored, j.duplicates, j.shifted, 0
      FROM pumpjack.ingest_cursor AS j WHERE j.hour IS NOT NULL) AS a
JOIN pumpjack.connection AS c ON c.connection_no = a.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')))
GROUP BY c.tenant_id, c.connection_id, a.journal_id, a.hour;

CREATE VIEW pumpjack.scada_holes WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, h.hole_id, h.kind, h.at AS time, h.detail, h.journal_id, h.told_at
FROM pumpjack.hole AS h
JOIN pumpjack.connection AS c ON c.connection_no = h.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- drained_at: when its worker ended with nothing left in it, if none has it open since.
CREATE OR REPLACE VIEW pumpjack.scada_journals WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, j.journal_id, j.seq, j.opened_at, j.moved_at,
       CASE WHEN j.drained_at >= coalesce(j.moved_at, j.drained_at) THEN j.drained_at END AS drained_at
FROM pumpjack.ingest_cursor AS j
JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- As it was; a journal that is open has not ended.
CREATE OR REPLACE FUNCTION pumpjack.open_journal(p_journal uuid, p_connection text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_connection integer;
    v_seq bigint;
BEGIN
    SELECT c.connection_no INTO v_connection
    FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    INSERT INTO pumpjack.ingest_cursor (journal_id, connection_no) VALUES (p_journal, v_connection)
    ON CONFLICT (journal_id) DO NOTHING;
    SELECT j.seq INTO v_seq
    FROM pumpjack.ingest_cursor AS j
    WHERE j.journal_id = p_journal AND j.connection_no = v_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the journal % belongs to another connection than %', p_journal, p_connection
            USING ERRCODE = 'PJ002', HINT = 'A journal serves one connection; give this one a journal of its own.';
    END IF;
    -- Something may wait in it again.
    UPDATE pumpjack.ingest_cursor AS j SET drained_at = NULL
    WHERE j.journal_id = p_journal AND j.drained_at IS NOT NULL;
    RETURN v_seq;
END
$$;

-- tag_id is the series that it was kept out of, current_tag_id the one that its tag has now.
CREATE OR REPLACE VIEW pumpjack.scada_quarantine WITH (security_barrier) AS
SELECT q.quarantine_id, q.ts AS time, c.tenant_id, s.well_id, c.connection_id, s.tag_name, q.reason, q.raw, q.kept_at,
       q.tag_id,
       (SELECT n.tag_id FROM pumpjack.series AS n
        WHERE n.connection_no = s.connection_no AND n.well_id = s.well_id AND n.tag_name = s.tag_name
        ORDER BY n.registered_at DESC, n.tag_id DESC LIMIT 1) AS current_tag_id
FROM pumpjack.quarantine AS q
JOIN pumpjack.connection AS c ON c.connection_no = q.connection_no
LEFT JOIN pumpjack.series AS s ON s.tag_id = q.tag_id
WHERE c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- From when on counts and rows can be compared: both are whole.
CREATE FUNCTION pumpjack.comparable_from() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT greatest(date_bin('1 hour', s.counted_from, 'epoch') + interval '1 hour',
                    date_bin('1 day', now() - make_interval(days => s.raw_days - 1), 'epoch'))
    FROM pumpjack.settings AS s
$$;

-- How far each connection is stored. Names, times and counts; no reading.
--   newest       time of the newest reading
--   oldest_mark  the oldest hour whose roll-ups are not made yet (NULL where TimescaleDB makes them)
CREATE FUNCTION pumpjack.connections_status() RETURNS TABLE (
    tenant_id text, connection_id text, protocol text, started_at timestamptz, stored_at timestamptz,
    newest timestamptz, oldest_mark timestamptz, journals bigint, quarantined numeric
)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN QUERY EXECUTE format($query$
        SELECT c.tenant_id, c.connection_id, c.protocol, c.started_at, j.stored_at, j.newest, %s, j.journals, q.total
        FROM pumpjack.connection AS c
        LEFT JOIN LATERAL (
            SELECT max(k.moved_at) AS stored_at, pumpjack.at_us(nullif(max(k.newest_us), 0)) AS newest, count(*) AS journals
            FROM pumpjack.ingest_cursor AS k WHERE k.connection_no = c.connection_no) AS j ON true
        LEFT JOIN LATERAL (
            SELECT coalesce(sum(t.total), 0) AS total
            FROM pumpjack.quarantine_total AS t
            WHERE t.connection_no = c.connection_no AND NOT pumpjack.is_note(t.reason)) AS q ON true
        ORDER BY c.tenant_id, c.connection_id
    $query$, CASE WHEN to_regclass('pumpjack.mark') IS NULL THEN 'NULL::timestamptz'
                  ELSE '(SELECT min(m.hour) FROM pumpjack.mark AS m WHERE m.connection_no = c.connection_no)' END);
END
$$;

-- readings: counted as stored in the days that are kept.
CREATE FUNCTION pumpjack.tenants_status() RETURNS TABLE (
    tenant_id text, wells bigint, connections bigint, tags bigint, readings numeric, quarantined numeric
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT t.tenant_id,
           (SELECT count(*) FROM pumpjack.well AS w WHERE w.tenant_id = t.tenant_id),
           (SELECT count(*) FROM pumpjack.connection AS c WHERE c.tenant_id = t.tenant_id),
           (SELECT count(*) FROM pumpjack.series AS s WHERE s.tenant_id = t.tenant_id),
           (SELECT coalesce(sum(a.stored), 0)
            FROM pumpjack.connection AS c
            CROSS JOIN LATERAL (
                SELECT h.stored FROM pumpjack.ingest_hour AS h
                WHERE h.connection_no = c.connection_no
                  AND h.hour >= now() - make_interval(days => (SELECT s.raw_days FROM pumpjack.settings AS s))
                UNION ALL
                SELECT j.stored FROM pumpjack.ingest_cursor AS j WHERE j.connection_no = c.connection_no) AS a
            WHERE c.tenant_id = t.tenant_id),
           (SELECT coalesce(sum(q.total), 0) FROM pumpjack.quarantine_total AS q
            JOIN pumpjack.connection AS c ON c.connection_no = q.connection_no
            WHERE c.tenant_id = t.tenant_id AND NOT pumpjack.is_note(q.reason))
    FROM pumpjack.tenant AS t ORDER BY t.tenant_id
$$;

-- Move readings out of the quarantine into their series: p_item[i] is the quarantine_id that reading i
-- was made from. What is in p_id leaves the quarantine; a row that is not there any more stores
-- nothing, so a call that is repeated does nothing. What write_batch would keep out goes back.
CREATE FUNCTION pumpjack.replay_quarantined(
    p_tenant text, p_connection text, p_actor text, p_id bigint[],
    p_item bigint[], p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[],
    OUT removed integer, OUT stored integer, OUT duplicates integer, OUT shifted integer, OUT quarantined integer
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    c_replay CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    v_connection integer;
    v_gone bigint[];
    v_reasons jsonb;
    v_done record;
    v_low bigint;
    v_high bigint;
BEGIN
    stored := 0; duplicates := 0; shifted := 0; quarantined := 0;
    SELECT c.connection_no INTO v_connection
    FROM pumpjack.connection AS c
    WHERE c.tenant_id = p_tenant AND c.connection_id = p_connection
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % of the tenant % is not known', p_connection, p_tenant USING ERRCODE = 'PJ002';
    END IF;
    IF EXISTS (SELECT FROM unnest(p_tag) AS b (tag) WHERE NOT EXISTS (
                   SELECT FROM pumpjack.series AS s WHERE s.tag_id = b.tag AND s.connection_no = v_connection)) THEN
        RAISE EXCEPTION 'some tags are no series of %; nothing was replayed', p_connection USING ERRCODE = 'PJ003';
    END IF;

    WITH gone AS (
        DELETE FROM pumpjack.quarantine AS q
        WHERE q.quarantine_id = ANY (p_id) AND q.connection_no = v_connection AND NOT pumpjack.is_note(q.reason)
        RETURNING q.quarantine_id, q.reason, q.ts, q.kept_at
    ), counted AS (
        INSERT INTO pumpjack.ingest_hour AS a
               (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
        SELECT v_connection, c_replay, date_bin('1 hour', g.ts, 'epoch'), -count(*), 0, 0, 0, -count(*)
        FROM gone AS g
        WHERE g.kept_at >= (SELECT s.counted_from FROM pumpjack.settings AS s)
        GROUP BY 3 ORDER BY 3
        ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
           SET received = a.received + EXCLUDED.received, quarantined = a.quarantined + EXCLUDED.quarantined
    ), reasons AS (
        SELECT g.reason, count(*) AS number FROM gone AS g GROUP BY g.reason
    ), totals AS (
        UPDATE pumpjack.quarantine_total AS t SET kept = t.kept - r.number
        FROM reasons AS r WHERE t.connection_no = v_connection AND t.reason = r.reason
    )
    SELECT (SELECT coalesce(array_agg(g.quarantine_id), '{}') FROM gone AS g),
           (SELECT coalesce(jsonb_object_agg(r.reason, r.number), '{}') FROM reasons AS r)
    INTO v_gone, v_reasons;
    removed := cardinality(v_gone);
    IF removed = 0 THEN
        RETURN;
    END IF;

    SELECT coalesce(array_agg(b.us), '{}'), coalesce(array_agg(b.tag), '{}'),
           coalesce(array_agg(b.quality), '{}'), coalesce(array_agg(b.value), '{}'), min(b.us), max(b.us)
    INTO p_us, p_tag, p_quality, p_value, v_low, v_high
    FROM unnest(p_item, p_us, p_tag, p_quality, p_value) AS b (item, us, tag, quality, value)
    WHERE b.item = ANY (v_gone);
    -- With the greatest number as the newest time, every reading is looked for.
    v_done := pumpjack.store_batch(
        v_connection, c_replay, 9223372036854775807, v_low, v_high, p_us, p_tag, p_quality, p_value, NULL);
    stored := v_done.stored; duplicates := v_done.duplicates;
    shifted := v_done.shifted; quarantined := v_done.quarantined;
    IF v_done.hour IS NOT NULL THEN
        INSERT INTO pumpjack.ingest_hour AS a
               (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
        VALUES (v_connection, c_replay, to_timestamp(v_done.hour * 3600), v_done.stored + v_done.duplicates,
                v_done.stored, v_done.duplicates, v_done.shifted, 0)
        ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
           SET received = a.received + EXCLUDED.received, stored = a.stored + EXCLUDED.stored,
               duplicates = a.duplicates + EXCLUDED.duplicates, shifted = a.shifted + EXCLUDED.shifted;
    END IF;
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    VALUES (p_tenant, left(p_actor, 253), 'quarantine.replay', 'done', jsonb_build_object(
        'connection', p_connection, 'reasons', v_reasons, 'stored', stored, 'duplicates', duplicates,
        'shifted', shifted, 'quarantined', quarantined));
END
$$;

-- As it was, and what is counted and told goes with the aggregates; it notes the end of a pass.
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
    DELETE FROM pumpjack.audit_logs AS a WHERE a.at < now() - make_interval(days => v_set.audit_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_removed := v_removed + v_rows;
    DELETE FROM pumpjack.hole AS h WHERE h.told_at < now() - make_interval(days => v_set.aggregate_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    v_removed := v_removed + v_rows;
    DELETE FROM pumpjack.ingest_hour AS h
    USING pumpjack.connection AS c
    WHERE h.connection_no = c.connection_no AND h.hour < now() - make_interval(days => v_set.aggregate_days);
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    UPDATE pumpjack.upkeep SET last_run = now();
    RETURN v_removed + v_rows;
END
$$;

REVOKE EXECUTE ON FUNCTION
    pumpjack.comparable_from(), pumpjack.connections_status(), pumpjack.tenants_status(),
    pumpjack.replay_quarantined(
        text, text, text, bigint[], bigint[], bigint[], integer[], integer[], double precision[])
FROM PUBLIC;
GRANT SELECT ON pumpjack.scada_ingest_hours, pumpjack.scada_holes TO pumpjack_reader;
GRANT EXECUTE ON FUNCTION pumpjack.comparable_from() TO pumpjack_reader;
GRANT EXECUTE ON FUNCTION pumpjack.connections_status(), pumpjack.tenants_status()
TO pumpjack_maintain, pumpjack_operator;
GRANT EXECUTE ON FUNCTION pumpjack.replay_quarantined(
    text, text, text, bigint[], bigint[], bigint[], integer[], integer[], double precision[])
TO pumpjack_operator;
GRANT SELECT ON pumpjack.settings TO pumpjack_operator;
GRANT SELECT ON pumpjack.upkeep TO pumpjack_maintain, pumpjack_operator;
DO $$
BEGIN
    IF current_setting('pumpjack.level') = 'community' THEN  -- as for write_batch, 0008
        ALTER FUNCTION pumpjack.replay_quarantined(
            text, text, text, bigint[], bigint[], bigint[], integer[], integer[], double precision[]
        ) SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
    END IF;
END
$$;
RESET ROLE;
GRANT SELECT ON pumpjack.migration TO pumpjack_maintain, pumpjack_operator;
