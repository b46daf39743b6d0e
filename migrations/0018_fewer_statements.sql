-- write_batch as it was in what it does; the usual batch costs less: its readings are of one hour, beyond
-- what the journal stored before, inside what is kept, and none is quarantined.
SET LOCAL ROLE pumpjack_owner;

CREATE OR REPLACE FUNCTION pumpjack.write_batch(
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
    v_newest bigint;
    v_level text;
    v_from bigint;
    v_until bigint;
    v_strangers integer;
    v_low bigint;
    v_high bigint;
    v_hour timestamptz;
    v_usual boolean;
    v_counted boolean;
    v_done record;
BEGIN
    IF cardinality(p_tag) <> v_rows OR cardinality(p_quality) <> v_rows OR cardinality(p_value) <> v_rows THEN
        RAISE EXCEPTION 'write_batch needs arrays of one length' USING ERRCODE = 'PJ004';
    END IF;
    IF p_seq <= p_prev THEN
        RAISE EXCEPTION 'write_batch cannot move the cursor from % to %', p_prev, p_seq USING ERRCODE = 'PJ004';
    END IF;
    applied := true; cursor := p_seq; stored := v_rows; duplicates := 0; shifted := 0; quarantined := 0;

    -- The connection's lock makes the writers of a connection take turns (a replaced worker may
    -- still drain its journal), so that what is stored of its tags stands still from here on.
    -- A scalar subquery finds the tenant: a join could be planned from the tenant on, through all of its
    -- connections.
    SELECT c.connection_no, c.fence, j.newest_us, s.level,
           (date_part('epoch', now()) * 1000000)::bigint - (s.raw_days - 2) * 86400000000,
           (date_part('epoch', now()) * 1000000)::bigint + 86400000000
    INTO v_connection, fence, v_newest, v_level, v_from, v_until
    FROM pumpjack.ingest_cursor AS j
    JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
    CROSS JOIN pumpjack.settings AS s
    WHERE j.journal_id = p_journal
      AND (SELECT t.writer_role FROM pumpjack.tenant AS t WHERE t.tenant_id = c.tenant_id) = session_user
    FOR NO KEY UPDATE OF c;
    IF NOT FOUND THEN
        PERFORM pumpjack.session_tenant();
        RAISE EXCEPTION 'the journal % is not open for this login', p_journal
            USING ERRCODE = 'PJ002', HINT = 'Call open_journal first.';
    END IF;

    -- Per tag, not per reading: tags are few.
    SELECT count(*) FILTER (WHERE s.tag_id IS NULL), min(d.low), max(d.high),
           CASE WHEN min(d.low) / 3600000000 = max(d.high) / 3600000000
                THEN to_timestamp(min(d.low) / 3600000000 * 3600) END
    INTO v_strangers, v_low, v_high, v_hour
    FROM (SELECT b.tag, min(b.us) AS low, max(b.us) AS high
          FROM (SELECT unnest(p_tag) AS tag, unnest(p_us) AS us) AS b GROUP BY b.tag) AS d
    LEFT JOIN pumpjack.series AS s ON s.tag_id = d.tag AND s.connection_no = v_connection;
    IF v_strangers > 0 THEN
        RAISE EXCEPTION '% of the tags are no series of this connection; nothing was stored', v_strangers
            USING ERRCODE = 'PJ003', HINT = 'Use the numbers that register_series returned.';
    END IF;

    UPDATE pumpjack.ingest_cursor AS j
       SET seq = p_seq, newest_us = greatest(j.newest_us, v_high), moved_at = now(),
           stored = CASE WHEN j.hour = v_hour THEN j.stored + v_rows ELSE j.stored END
     WHERE j.journal_id = p_journal AND j.seq = p_prev
    RETURNING coalesce(j.hour = v_hour, false) INTO v_counted;
    IF NOT FOUND THEN
        applied := false; stored := 0;
        SELECT j.seq INTO cursor FROM pumpjack.ingest_cursor AS j WHERE j.journal_id = p_journal;
        RETURN;
    END IF;

    v_usual := v_hour IS NOT NULL AND v_low > v_newest AND v_low >= v_from AND v_high <= v_until AND p_quarantined IS NULL;
    IF v_usual THEN
        BEGIN
            INSERT INTO pumpjack.reading (ts, tag_id, quality, value)
            SELECT pumpjack.at_us(b.us), b.tag, pumpjack.quality_of(b.quality, b.value), pumpjack.finite(b.value)
            FROM (SELECT unnest(p_us) AS us, unnest(p_tag) AS tag,
                         unnest(p_quality) AS quality, unnest(p_value) AS value) AS b;
            IF v_level <> 'community' THEN
                INSERT INTO pumpjack.mark VALUES (v_connection, v_hour);
            END IF;
            IF v_counted THEN
                RETURN;
            END IF;
        EXCEPTION
            WHEN unique_violation THEN  -- another journal of the connection was here, or the batch repeats itself
                v_usual := false;
                v_newest := 9223372036854775807;
            WHEN check_violation THEN  -- a day without a partition
                v_usual := false;
        END;
    END IF;
    IF NOT v_usual THEN
        v_done := pumpjack.store_batch(
            v_connection, p_journal, v_newest, v_low, v_high, p_us, p_tag, p_quality, p_value, p_quarantined);
        stored := v_done.stored; duplicates := v_done.duplicates;
        shifted := v_done.shifted; quarantined := v_done.quarantined;
        v_hour := to_timestamp(v_done.hour * 3600);
    END IF;
    IF v_counted AND (v_hour IS NULL OR stored < v_rows OR shifted > 0) OR NOT v_counted AND v_hour IS NOT NULL THEN
        PERFORM pumpjack.count_batch(
            p_journal, v_hour, CASE WHEN v_counted THEN v_rows ELSE 0 END, stored, duplicates, shifted);
    END IF;
END
$$;

-- Correct the count of the hour that runs: p_usual readings were counted as stored there. p_hour is the
-- hour that the batch is of, NULL where it was counted elsewhere. Another one than before begins anew.
CREATE FUNCTION pumpjack.count_batch(
    p_journal uuid, p_hour timestamptz, p_usual integer, p_stored integer, p_duplicates integer, p_shifted integer
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pumpjack.ingest_hour AS a
           (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
    SELECT j.connection_no, p_journal, j.hour, j.stored - p_usual + j.duplicates, j.stored - p_usual,
           j.duplicates, j.shifted, 0
    FROM pumpjack.ingest_cursor AS j
    WHERE j.journal_id = p_journal AND j.hour <> p_hour
    ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
       SET received = a.received + EXCLUDED.received, stored = a.stored + EXCLUDED.stored,
           duplicates = a.duplicates + EXCLUDED.duplicates, shifted = a.shifted + EXCLUDED.shifted;
    UPDATE pumpjack.ingest_cursor AS j
       SET hour = coalesce(p_hour, j.hour),
           stored = CASE WHEN k.goes_on THEN j.stored - p_usual ELSE 0 END + CASE WHEN k.counts THEN p_stored ELSE 0 END,
           duplicates = CASE WHEN k.goes_on THEN j.duplicates ELSE 0 END + CASE WHEN k.counts THEN p_duplicates ELSE 0 END,
           shifted = CASE WHEN k.goes_on THEN j.shifted ELSE 0 END + CASE WHEN k.counts THEN p_shifted ELSE 0 END
    FROM (SELECT coalesce(c.hour = p_hour, true) AS goes_on, p_hour IS NOT NULL AS counts
          FROM pumpjack.ingest_cursor AS c WHERE c.journal_id = p_journal) AS k
     WHERE j.journal_id = p_journal;
END
$$;
REVOKE EXECUTE ON FUNCTION pumpjack.count_batch(uuid, timestamptz, integer, integer, integer, integer) FROM PUBLIC;

DO $$
BEGIN
    IF current_setting('pumpjack.level') = 'community' THEN  -- 0008 says why; a new body forgets it
        ALTER FUNCTION pumpjack.write_batch(
            uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb
        ) SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
    END IF;
END
$$;
