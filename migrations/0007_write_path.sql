-- The four functions that a tenant's writer may execute (docs/architecture.md).
--
-- Each is SECURITY DEFINER: parameters are of built-in types, every name says its schema, pg_temp
-- is searched last, and nothing that a tenant could have made is read. The tenant comes from the
-- login, never from an argument. Own error codes:
--   PJ001 the login belongs to no tenant      PJ002 the journal is not open for this login
--   PJ003 a tag is not of this connection     PJ004 the arguments do not fit together
SET LOCAL ROLE pumpjack_owner;

CREATE FUNCTION pumpjack.session_tenant() RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant text;
BEGIN
    SELECT t.tenant_id INTO tenant FROM pumpjack.tenant AS t WHERE t.writer_role = session_user;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the login % writes for no tenant of this database', session_user
            USING ERRCODE = 'PJ001', HINT = 'Log in as the tenant''s writer; ensure_tenant makes it.';
    END IF;
    RETURN tenant;
END
$$;

CREATE FUNCTION pumpjack.take_fence(p_connection text, p_protocol text) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pumpjack.connection AS c (tenant_id, connection_id, protocol, fence)
    VALUES (pumpjack.session_tenant(), p_connection, p_protocol, 1)
    ON CONFLICT (tenant_id, connection_id) DO UPDATE
       SET fence = c.fence + 1, protocol = EXCLUDED.protocol, started_at = now()
    RETURNING fence
$$;

CREATE FUNCTION pumpjack.open_journal(p_journal uuid, p_connection text) RETURNS bigint
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
    RETURN v_seq;
END
$$;

CREATE FUNCTION pumpjack.register_series(
    p_connection text, p_well text[], p_tag text[], p_unit text[], p_data_type text[]
) RETURNS integer[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_connection integer;
BEGIN
    IF cardinality(p_tag) <> cardinality(p_well) OR cardinality(p_unit) <> cardinality(p_well)
       OR cardinality(p_data_type) <> cardinality(p_well) THEN
        RAISE EXCEPTION 'register_series needs arrays of one length' USING ERRCODE = 'PJ004';
    END IF;
    -- One caller at a time registers for a connection, and the same order for all.
    SELECT c.connection_no INTO v_connection
    FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    INSERT INTO pumpjack.well (tenant_id, well_id)
    SELECT DISTINCT v_tenant, w.well_id FROM unnest(p_well) AS w (well_id) ORDER BY w.well_id
    ON CONFLICT DO NOTHING;
    UPDATE pumpjack.series AS s SET registered_at = now()
    FROM (SELECT DISTINCT * FROM unnest(p_well, p_tag, p_unit, p_data_type)) AS n (well_id, tag_name, unit, data_type)
    WHERE s.connection_no = v_connection AND s.well_id = n.well_id AND s.tag_name = n.tag_name
      AND s.unit = n.unit AND s.data_type = n.data_type;
    INSERT INTO pumpjack.series (tenant_id, connection_no, well_id, tag_name, unit, data_type)
    SELECT DISTINCT v_tenant, v_connection, n.well_id, n.tag_name, n.unit, n.data_type
    FROM unnest(p_well, p_tag, p_unit, p_data_type) AS n (well_id, tag_name, unit, data_type)
    ON CONFLICT DO NOTHING;
    RETURN ARRAY(
        SELECT s.tag_id
        FROM unnest(p_well, p_tag, p_unit, p_data_type)
             WITH ORDINALITY AS n (well_id, tag_name, unit, data_type, position)
        JOIN pumpjack.series AS s
          ON s.connection_no = v_connection AND s.well_id = n.well_id AND s.tag_name = n.tag_name
         AND s.unit = n.unit AND s.data_type = n.data_type
        ORDER BY n.position);
END
$$;

-- Inlined by the planner; they only keep the statements below readable.
-- Rounds to the right microsecond from 1970 to 2106.
CREATE FUNCTION pumpjack.at_us(us bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT to_timestamp(us / 1e6::double precision)
$$;
-- NaN and infinities are no values: x - x is 0 for a finite x alone.
CREATE FUNCTION pumpjack.finite(value double precision) RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value - value = 0 THEN value END
$$;
-- A reading without a value is BAD; its reason is not_a_number (7 << 2) where it has no other.
CREATE FUNCTION pumpjack.quality_of(quality integer, value double precision) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN value - value = 0 THEN quality
                WHEN quality & 252 = 0 THEN quality & ~3 | 30
                ELSE quality & ~3 | 2 END
$$;

-- Keep readings out of their series, with the reason. Past the connection's bound only the totals
-- count on. Times are clamped to what a timestamp can hold. Returns how many there were.
CREATE FUNCTION pumpjack.put_in_quarantine(
    p_connection integer, p_bound integer, p_tag integer[], p_us bigint[], p_reason text[], p_raw text[]
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_kept bigint;
BEGIN
    SELECT coalesce(sum(q.kept), 0) INTO v_kept
    FROM pumpjack.quarantine_total AS q WHERE q.connection_no = p_connection;
    WITH row AS (
        SELECT b.tag, pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))) AS ts,
               left(b.reason, 63) AS reason, left(b.raw, 4096) AS raw, b.position,
               b.position <= p_bound - v_kept AS room
        FROM unnest(p_tag, p_us, p_reason, p_raw) WITH ORDINALITY AS b (tag, us, reason, raw, position)
    ), kept AS (
        INSERT INTO pumpjack.quarantine (connection_no, tag_id, ts, reason, raw)
        SELECT p_connection, row.tag, row.ts, row.reason, row.raw FROM row WHERE row.room ORDER BY row.position
    )
    INSERT INTO pumpjack.quarantine_total AS q
           (connection_no, reason, total, kept, first_ts, first_raw, last_ts, last_raw)
    SELECT p_connection, row.reason, count(*), count(*) FILTER (WHERE row.room),
           (array_agg(row.ts ORDER BY row.position))[1], (array_agg(row.raw ORDER BY row.position))[1],
           (array_agg(row.ts ORDER BY row.position DESC))[1], (array_agg(row.raw ORDER BY row.position DESC))[1]
    FROM row GROUP BY row.reason ORDER BY row.reason
    ON CONFLICT (connection_no, reason) DO UPDATE
       SET total = q.total + EXCLUDED.total, kept = q.kept + EXCLUDED.kept,
           last_ts = EXCLUDED.last_ts, last_raw = EXCLUDED.last_raw, last_at = now();
    RETURN cardinality(p_us);
END
$$;

-- Find a place for those readings of a batch whose instant holds another value or quality: the
-- next free microsecond, up to a millisecond later. One that was shifted there before is a
-- duplicate. Returns how many were placed, and positions in the arrays of those without a place.
CREATE FUNCTION pumpjack.shift_conflicts(
    p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[],
    p_low timestamptz, p_high timestamptz, OUT placed integer, OUT homeless integer[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_placed integer;
    v_wanted integer;
BEGIN
    placed := 0;
    LOOP
        -- EXECUTE plans with the times at hand, so that it opens only the partitions it needs.
        EXECUTE $query$
            WITH batch AS (
                SELECT pumpjack.at_us(b.us) AS ts, b.tag, pumpjack.quality_of(b.quality, b.value)::smallint AS quality,
                       pumpjack.finite(b.value) AS value, b.position
                FROM unnest($1, $2, $3, $4) WITH ORDINALITY AS b (us, tag, quality, value, position)
            ), conflict AS (
                SELECT DISTINCT ON (b.tag, b.ts, b.quality, b.value) b.*
                FROM batch AS b
                JOIN pumpjack.reading AS r ON r.tag_id = b.tag AND r.ts = b.ts AND r.ts BETWEEN $5 AND $6
                WHERE r.quality <> b.quality OR r.value IS DISTINCT FROM b.value
                ORDER BY b.tag, b.ts, b.quality, b.value, b.position
            ), fresh AS (
                SELECT c.*, row_number() OVER (PARTITION BY c.tag, c.ts ORDER BY c.position) AS rank
                FROM conflict AS c
                WHERE NOT EXISTS (
                    SELECT FROM pumpjack.reading AS r
                    WHERE r.tag_id = c.tag AND r.ts > c.ts AND r.ts <= c.ts + interval '1 millisecond'
                      AND r.ts BETWEEN $5 AND $6 + interval '1 millisecond'
                      AND r.quality = c.quality | 512 AND r.value IS NOT DISTINCT FROM c.value)
            ), slot AS (
                SELECT g.tag, g.ts, free.ts AS free_ts, row_number() OVER (PARTITION BY g.tag, g.ts ORDER BY free.ts) AS rank
                FROM (SELECT f.tag, f.ts, count(*) AS wanted FROM fresh AS f GROUP BY f.tag, f.ts) AS g
                CROSS JOIN LATERAL (
                    SELECT g.ts + n * interval '1 microsecond' AS ts
                    FROM generate_series(1, 1000) AS n
                    WHERE NOT EXISTS (
                        SELECT FROM pumpjack.reading AS r
                        WHERE r.tag_id = g.tag AND r.ts = g.ts + n * interval '1 microsecond'
                          AND r.ts BETWEEN $5 AND $6 + interval '1 millisecond')
                    ORDER BY n LIMIT g.wanted
                ) AS free
            ), done AS (
                INSERT INTO pumpjack.reading (ts, tag_id, quality, value)
                SELECT s.free_ts, f.tag, f.quality | 512, f.value
                FROM fresh AS f JOIN slot AS s USING (tag, ts, rank)
                ORDER BY f.position
                ON CONFLICT DO NOTHING  -- two instants close together may claim one microsecond
                RETURNING 1
            )
            SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM fresh JOIN slot USING (tag, ts, rank)),
                   ARRAY(SELECT f.position FROM fresh AS f LEFT JOIN slot AS s USING (tag, ts, rank)
                         WHERE s.rank IS NULL ORDER BY f.position)
        $query$ INTO v_placed, v_wanted, homeless USING p_us, p_tag, p_quality, p_value, p_low, p_high;
        placed := placed + v_placed;
        EXIT WHEN v_placed = v_wanted;  -- else those that missed try again; each round places one at least
    END LOOP;
END
$$;

-- Store readings and move the journal's cursor from prev to seq, both or neither.
--
-- us [µs since the epoch], tag (tag_id), quality (pumpjack_core/quality.py) and value are columns
-- of one length; NaN and infinities become NULL with quality BAD. quarantined is a list of
-- {"tag": tag_id or null, "us", "reason", "raw"}, or NULL. The function is quickest when the
-- readings come ordered by tag and time.
CREATE FUNCTION pumpjack.write_batch(
    p_journal uuid, p_prev bigint, p_seq bigint,
    p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[], p_quarantined jsonb,
    OUT applied boolean, OUT cursor bigint, OUT fence bigint,
    OUT stored integer, OUT duplicates integer, OUT shifted integer, OUT quarantined integer
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    v_rows integer := cardinality(p_us);
    v_connection integer;
    v_set pumpjack.settings;
    v_newest bigint;
    v_strangers integer;
    v_low bigint;
    v_high bigint;
    v_from bigint;
    v_until bigint;
    v_careful boolean;
    v_homeless integer[];
BEGIN
    applied := false; stored := 0; duplicates := 0; shifted := 0; quarantined := 0;
    IF cardinality(p_tag) <> v_rows OR cardinality(p_quality) <> v_rows OR cardinality(p_value) <> v_rows THEN
        RAISE EXCEPTION 'write_batch needs arrays of one length' USING ERRCODE = 'PJ004';
    END IF;
    IF p_seq <= p_prev THEN
        RAISE EXCEPTION 'write_batch cannot move the cursor from % to %', p_prev, p_seq USING ERRCODE = 'PJ004';
    END IF;

    -- The connection's lock makes the writers of a connection take turns (a replaced worker may
    -- still drain its journal), so that what is stored of its tags stands still from here on.
    SELECT c.connection_no, c.fence, j.newest_us INTO v_connection, fence, v_newest
    FROM pumpjack.ingest_cursor AS j
    JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
    JOIN pumpjack.tenant AS t ON t.tenant_id = c.tenant_id
    WHERE j.journal_id = p_journal AND t.writer_role = session_user
    FOR NO KEY UPDATE OF c;
    IF NOT FOUND THEN
        PERFORM pumpjack.session_tenant();
        RAISE EXCEPTION 'the journal % is not open for this login', p_journal
            USING ERRCODE = 'PJ002', HINT = 'Call open_journal first.';
    END IF;

    -- Per tag, not per reading: tags are few.
    SELECT count(*) FILTER (WHERE s.tag_id IS NULL), min(d.low), max(d.high)
    INTO v_strangers, v_low, v_high
    FROM (SELECT b.tag, min(b.us) AS low, max(b.us) AS high
          FROM (SELECT unnest(p_tag) AS tag, unnest(p_us) AS us) AS b GROUP BY b.tag) AS d
    LEFT JOIN pumpjack.series AS s ON s.tag_id = d.tag AND s.connection_no = v_connection;
    IF v_strangers > 0 THEN
        RAISE EXCEPTION '% of the tags are no series of this connection; nothing was stored', v_strangers
            USING ERRCODE = 'PJ003', HINT = 'Use the numbers that register_series returned.';
    END IF;

    UPDATE pumpjack.ingest_cursor AS j
       SET seq = p_seq, newest_us = greatest(j.newest_us, v_high), moved_at = now()
     WHERE j.journal_id = p_journal AND j.seq = p_prev;
    IF NOT FOUND THEN
        SELECT j.seq INTO cursor FROM pumpjack.ingest_cursor AS j WHERE j.journal_id = p_journal;
        RETURN;
    END IF;
    applied := true;
    cursor := p_seq;

    SELECT * INTO v_set FROM pumpjack.settings;
    v_until := extract(epoch FROM now()) * 1000000 + 86400000000;
    v_from := v_until - (v_set.raw_days - 1) * 86400000000;
    IF v_low < v_from OR v_high > v_until THEN
        -- Out go those whose hour may be dropped already, and clocks that nobody can believe.
        quarantined := pumpjack.put_in_quarantine(
            v_connection, v_set.quarantine_rows, array_agg(b.tag), array_agg(b.us),
            array_agg(CASE WHEN b.us < v_from THEN 'too_old' ELSE 'in_future' END),
            array_agg(format('value %s, quality %s', b.value, b.quality)))
        FROM unnest(p_us, p_tag, p_quality, p_value) AS b (us, tag, quality, value)
        WHERE b.us < v_from OR b.us > v_until;
        SELECT coalesce(array_agg(b.us), '{}'), coalesce(array_agg(b.tag), '{}'),
               coalesce(array_agg(b.quality), '{}'), coalesce(array_agg(b.value), '{}'),
               min(b.us), max(b.us), count(*)
        INTO p_us, p_tag, p_quality, p_value, v_low, v_high, v_rows
        FROM unnest(p_us, p_tag, p_quality, p_value) AS b (us, tag, quality, value)
        WHERE b.us BETWEEN v_from AND v_until;
    END IF;

    IF v_rows > 0 THEN
        -- Beyond the newest there is nothing to collide with, but for the batch itself.
        v_careful := v_low <= v_newest;
        LOOP
            BEGIN
                IF v_careful THEN
                    INSERT INTO pumpjack.reading (ts, tag_id, quality, value)
                    SELECT pumpjack.at_us(b.us), b.tag, pumpjack.quality_of(b.quality, b.value), pumpjack.finite(b.value)
                    FROM (SELECT unnest(p_us) AS us, unnest(p_tag) AS tag,
                                 unnest(p_quality) AS quality, unnest(p_value) AS value) AS b
                    ON CONFLICT DO NOTHING;
                ELSE
                    INSERT INTO pumpjack.reading (ts, tag_id, quality, value)
                    SELECT pumpjack.at_us(b.us), b.tag, pumpjack.quality_of(b.quality, b.value), pumpjack.finite(b.value)
                    FROM (SELECT unnest(p_us) AS us, unnest(p_tag) AS tag,
                                 unnest(p_quality) AS quality, unnest(p_value) AS value) AS b;
                END IF;
                GET DIAGNOSTICS stored = ROW_COUNT;
                EXIT;
            EXCEPTION
                WHEN unique_violation THEN
                    v_careful := true;
                WHEN check_violation THEN  -- a day without a partition
                    IF pumpjack.make_partitions(
                        'reading', 'day',
                        pumpjack.at_us(v_low), pumpjack.at_us(v_high) + interval '1 second') = 0 THEN
                        RAISE;
                    END IF;
            END;
        END LOOP;
        IF stored < v_rows THEN
            -- Every reading's instant is taken now: by itself, by a duplicate, or by another value.
            SELECT c.placed, c.homeless INTO shifted, v_homeless
            FROM pumpjack.shift_conflicts(p_us, p_tag, p_quality, p_value,
                                          pumpjack.at_us(v_low), pumpjack.at_us(v_high)) AS c;
            IF cardinality(v_homeless) > 0 THEN
                quarantined := quarantined + pumpjack.put_in_quarantine(
                    v_connection, v_set.quarantine_rows, array_agg(p_tag[h.i]), array_agg(p_us[h.i]),
                    array_agg('timestamp_conflict'::text),
                    array_agg(format('value %s, quality %s', p_value[h.i], p_quality[h.i])))
                FROM unnest(v_homeless) AS h (i);
            END IF;
            duplicates := v_rows - stored - shifted - cardinality(v_homeless);
            stored := stored + shifted;
        END IF;
        IF v_set.level <> 'community' THEN
            IF v_low / 3600000000 = v_high / 3600000000 THEN
                INSERT INTO pumpjack.mark VALUES (v_connection, to_timestamp(v_low / 3600000000 * 3600));
            ELSE
                INSERT INTO pumpjack.mark
                SELECT DISTINCT v_connection, to_timestamp(b.us / 3600000000 * 3600) FROM unnest(p_us) AS b (us);
            END IF;
        END IF;
    END IF;

    IF p_quarantined IS NOT NULL AND p_quarantined <> '[]' THEN
        PERFORM FROM jsonb_to_recordset(p_quarantined) AS q (tag integer)
        WHERE q.tag IS NOT NULL AND NOT EXISTS (
            SELECT FROM pumpjack.series AS s WHERE s.tag_id = q.tag AND s.connection_no = v_connection);
        IF FOUND THEN
            RAISE EXCEPTION 'quarantined tags are no series of this connection; nothing was stored'
                USING ERRCODE = 'PJ003', HINT = 'Use the numbers that register_series returned.';
        END IF;
        quarantined := quarantined + pumpjack.put_in_quarantine(
            v_connection, v_set.quarantine_rows, array_agg(q.tag), array_agg(q.us),
            array_agg(q.reason), array_agg(q.raw))
        FROM jsonb_to_recordset(p_quarantined) AS q (tag integer, us bigint, reason text, raw text);
    END IF;
END
$$;

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA pumpjack FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    pumpjack.take_fence(text, text),
    pumpjack.open_journal(uuid, text),
    pumpjack.register_series(text, text[], text[], text[], text[]),
    pumpjack.write_batch(uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb)
TO pumpjack_writer;
