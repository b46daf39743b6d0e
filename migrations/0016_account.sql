-- What was received is counted by journal and hour of the readings' time, in the transaction that stores
-- it, so that `pumpjack reconcile` can compare it with what is there. Decided and measured in
-- docs/decisions/2026-11-22-counted-in-the-cursor.md.
SET LOCAL ROLE pumpjack_owner;

-- received = stored + duplicates + quarantined; shifted ones are among the stored. The hour that a
-- journal's last batch was of is in its cursor. The nil uuid counts what was replayed from the quarantine.
CREATE TABLE pumpjack.ingest_hour (
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    journal_id uuid NOT NULL,
    hour timestamptz NOT NULL,
    received bigint NOT NULL,
    stored bigint NOT NULL,
    duplicates bigint NOT NULL,
    shifted bigint NOT NULL,
    quarantined bigint NOT NULL,
    PRIMARY KEY (connection_no, journal_id, hour)
);
ALTER TABLE pumpjack.ingest_cursor
    ADD COLUMN hour timestamptz,
    ADD COLUMN stored bigint NOT NULL DEFAULT 0,
    ADD COLUMN duplicates bigint NOT NULL DEFAULT 0,
    ADD COLUMN shifted bigint NOT NULL DEFAULT 0;
-- What was stored before is not counted.
ALTER TABLE pumpjack.settings ADD COLUMN counted_from timestamptz NOT NULL DEFAULT now();
-- Nor did journals say that they ended empty.
UPDATE pumpjack.ingest_cursor AS j SET drained_at = now()
WHERE EXISTS (SELECT FROM pumpjack.ingest_cursor AS n
              WHERE n.connection_no = j.connection_no AND n.opened_at > j.opened_at);

-- Notes on what is missing are kept among the quarantined and are no readings.
CREATE FUNCTION pumpjack.is_note(reason text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT reason IN ('not_stored', 'gap', 'damaged_batch')
$$;

-- put_in_quarantine(), counted; notes are kept as holes, too.
CREATE FUNCTION pumpjack.keep_out(
    p_connection integer, p_journal uuid, p_bound integer,
    p_tag integer[], p_us bigint[], p_reason text[], p_raw text[]
) RETURNS integer
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO pumpjack.ingest_hour AS a
           (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
    SELECT p_connection, p_journal, date_bin('1 hour', pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))), 'epoch'),
           count(*), 0, 0, 0, count(*)
    FROM unnest(p_us, p_reason) AS b (us, reason)
    WHERE NOT pumpjack.is_note(b.reason)
    GROUP BY 3 ORDER BY 3
    ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
       SET received = a.received + EXCLUDED.received, quarantined = a.quarantined + EXCLUDED.quarantined;
    INSERT INTO pumpjack.hole (connection_no, journal_id, seq, kind, at, detail)
    SELECT p_connection, p_journal, j.seq, b.reason,
           pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))), left(b.raw, 4096)
    FROM unnest(p_us, p_reason, p_raw) AS b (us, reason, raw)
    JOIN pumpjack.ingest_cursor AS j ON j.journal_id = p_journal
    WHERE pumpjack.is_note(b.reason);
    RETURN pumpjack.put_in_quarantine(p_connection, p_bound, p_tag, p_us, p_reason, p_raw);
END
$$;

-- Find a place for those readings of a batch whose instant holds another value or quality: the
-- next free microsecond, up to a millisecond later. One that was shifted there before is a
-- duplicate, and so is one that a device's history gives again, whatever was thought of it when it
-- came live. Returns how many were placed, and positions in the arrays of those, and of those without a
-- place.
DROP FUNCTION pumpjack.shift_conflicts(bigint[], integer[], integer[], double precision[], timestamptz, timestamptz);
CREATE FUNCTION pumpjack.shift_conflicts(
    p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[],
    p_low timestamptz, p_high timestamptz,
    OUT placed integer, OUT placed_at integer[], OUT homeless integer[]
)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_placed integer;
    v_wanted integer;
    v_at integer[];
BEGIN
    placed := 0;
    placed_at := '{}';
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
                WHERE r.value IS DISTINCT FROM b.value OR pumpjack.differs(r.quality, b.quality)
                ORDER BY b.tag, b.ts, b.quality, b.value, b.position
            ), fresh AS (
                SELECT c.*, row_number() OVER (PARTITION BY c.tag, c.ts ORDER BY c.position) AS rank
                FROM conflict AS c
                WHERE NOT EXISTS (
                    SELECT FROM pumpjack.reading AS r
                    WHERE r.tag_id = c.tag AND r.ts > c.ts AND r.ts <= c.ts + interval '1 millisecond'
                      AND r.ts BETWEEN $5 AND $6 + interval '1 millisecond'
                      AND r.quality & 512 <> 0 AND NOT pumpjack.differs(r.quality, c.quality)
                      AND r.value IS NOT DISTINCT FROM c.value)
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
                RETURNING tag_id, ts
            )
            SELECT (SELECT count(*) FROM done), (SELECT count(*) FROM fresh JOIN slot USING (tag, ts, rank)),
                   ARRAY(SELECT DISTINCT ON (s.tag, s.free_ts) f.position::integer
                         FROM fresh AS f JOIN slot AS s USING (tag, ts, rank)
                         JOIN done AS d ON d.tag_id = s.tag AND d.ts = s.free_ts),
                   ARRAY(SELECT f.position FROM fresh AS f LEFT JOIN slot AS s USING (tag, ts, rank)
                         WHERE s.rank IS NULL ORDER BY f.position)
        $query$ INTO v_placed, v_wanted, v_at, homeless USING p_us, p_tag, p_quality, p_value, p_low, p_high;
        placed := placed + v_placed;
        placed_at := placed_at || v_at;
        EXIT WHEN v_placed = v_wanted;  -- else those that missed try again; each round places one at least
    END LOOP;
END
$$;

-- Store readings of a connection that the caller has locked, and count them. hour is the number of the
-- hour since the epoch that all of them are of: then the caller counts stored, duplicates and shifted
-- ones there. It is NULL where they were counted here. Quarantined ones always were.
CREATE FUNCTION pumpjack.store_batch(
    p_connection integer, p_journal uuid, p_newest bigint, p_low bigint, p_high bigint,
    p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[], p_quarantined jsonb,
    OUT stored integer, OUT duplicates integer, OUT shifted integer, OUT quarantined integer, OUT hour bigint
)
LANGUAGE plpgsql AS $$
DECLARE
    v_rows integer := cardinality(p_us);
    v_low bigint := p_low;
    v_high bigint := p_high;
    v_set pumpjack.settings;
    v_from bigint;
    v_until bigint;
    v_one_hour boolean;
    v_careful boolean;
    v_hours timestamptz[];
    v_numbers bigint[];
    v_placed integer[];
    v_homeless integer[];
BEGIN
    stored := 0; duplicates := 0; shifted := 0; quarantined := 0;

    SELECT * INTO v_set FROM pumpjack.settings;
    v_until := extract(epoch FROM now()) * 1000000 + 86400000000;
    v_from := v_until - (v_set.raw_days - 1) * 86400000000;
    IF v_low < v_from OR v_high > v_until THEN
        -- Out go those whose hour may be dropped already, and clocks that nobody can believe.
        quarantined := pumpjack.keep_out(
            p_connection, p_journal, v_set.quarantine_rows, array_agg(b.tag), array_agg(b.us),
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
        v_one_hour := v_low / 3600000000 = v_high / 3600000000;
        v_careful := v_low <= p_newest;
        LOOP
            BEGIN
                IF NOT v_one_hour THEN
                    WITH done AS (
                        INSERT INTO pumpjack.reading (ts, tag_id, quality, value)
                        SELECT pumpjack.at_us(b.us), b.tag, pumpjack.quality_of(b.quality, b.value), pumpjack.finite(b.value)
                        FROM (SELECT unnest(p_us) AS us, unnest(p_tag) AS tag,
                                     unnest(p_quality) AS quality, unnest(p_value) AS value) AS b
                        ON CONFLICT DO NOTHING
                        RETURNING ts
                    )
                    SELECT coalesce(sum(h.number), 0), array_agg(h.hour), array_agg(h.number)
                    INTO stored, v_hours, v_numbers
                    FROM (SELECT date_bin('1 hour', done.ts, 'epoch') AS hour, count(*) AS number
                          FROM done GROUP BY 1) AS h;
                    EXIT;
                ELSIF v_careful THEN
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
            SELECT c.placed, c.placed_at, c.homeless INTO shifted, v_placed, v_homeless
            FROM pumpjack.shift_conflicts(p_us, p_tag, p_quality, p_value,
                                          pumpjack.at_us(v_low), pumpjack.at_us(v_high)) AS c;
            IF cardinality(v_homeless) > 0 THEN
                quarantined := quarantined + pumpjack.keep_out(
                    p_connection, p_journal, v_set.quarantine_rows, array_agg(p_tag[h.i]), array_agg(p_us[h.i]),
                    array_agg('timestamp_conflict'::text),
                    array_agg(format('value %s, quality %s', p_value[h.i], p_quality[h.i])))
                FROM unnest(v_homeless) AS h (i);
            END IF;
            duplicates := v_rows - stored - shifted - cardinality(v_homeless);
            stored := stored + shifted;
        END IF;
        IF v_one_hour THEN
            hour := v_low / 3600000000;
        ELSE
            INSERT INTO pumpjack.ingest_hour AS a
                   (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
            SELECT p_connection, p_journal, c.hour, sum(c.received), sum(c.stored),
                   sum(c.received) - sum(c.stored), sum(c.shifted), 0
            FROM (SELECT to_timestamp(b.us / 3600000000 * 3600) AS hour, 1 AS received, 0 AS stored, 0 AS shifted
                  FROM unnest(p_us) AS b (us)
                  UNION ALL
                  SELECT h.hour, 0, h.number, 0 FROM unnest(v_hours, v_numbers) AS h (hour, number)
                  UNION ALL
                  SELECT to_timestamp(p_us[p.i] / 3600000000 * 3600), 0, 1, 1 FROM unnest(v_placed) AS p (i)
                  UNION ALL
                  -- keep_out() has counted them.
                  SELECT to_timestamp(p_us[p.i] / 3600000000 * 3600), -1, 0, 0 FROM unnest(v_homeless) AS p (i)) AS c
            GROUP BY c.hour ORDER BY c.hour
            ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
               SET received = a.received + EXCLUDED.received, stored = a.stored + EXCLUDED.stored,
                   duplicates = a.duplicates + EXCLUDED.duplicates, shifted = a.shifted + EXCLUDED.shifted;
        END IF;
        IF v_set.level <> 'community' THEN
            IF v_one_hour THEN
                INSERT INTO pumpjack.mark VALUES (p_connection, to_timestamp(v_low / 3600000000 * 3600));
            ELSE
                INSERT INTO pumpjack.mark
                SELECT DISTINCT p_connection, to_timestamp(b.us / 3600000000 * 3600) FROM unnest(p_us) AS b (us);
            END IF;
        END IF;
    END IF;

    IF p_quarantined IS NOT NULL AND p_quarantined <> '[]' THEN
        PERFORM FROM jsonb_to_recordset(p_quarantined) AS q (tag integer)
        WHERE q.tag IS NOT NULL AND NOT EXISTS (
            SELECT FROM pumpjack.series AS s WHERE s.tag_id = q.tag AND s.connection_no = p_connection);
        IF FOUND THEN
            RAISE EXCEPTION 'quarantined tags are no series of this connection; nothing was stored'
                USING ERRCODE = 'PJ003', HINT = 'Use the numbers that register_series returned.';
        END IF;
        quarantined := quarantined + pumpjack.keep_out(
            p_connection, p_journal, v_set.quarantine_rows, array_agg(q.tag), array_agg(q.us),
            array_agg(q.reason), array_agg(q.raw))
        FROM jsonb_to_recordset(p_quarantined) AS q (tag integer, us bigint, reason text, raw text);
    END IF;
END
$$;

-- write_batch as it was, but for the counting. The cursor's own row counts the hour that runs, in the
-- statement that moves it: what is usual, that all readings are of that hour and none is there already,
-- is counted at once, and corrected when it was otherwise.
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
    v_strangers integer;
    v_low bigint;
    v_high bigint;
    v_hour timestamptz;
    v_hour_before timestamptz;
    v_stored bigint;
    v_duplicates bigint;
    v_shifted bigint;
    v_usual integer;
    v_done record;
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

    IF v_low / 3600000000 = v_high / 3600000000 THEN
        v_hour := to_timestamp(v_low / 3600000000 * 3600);
    END IF;
    UPDATE pumpjack.ingest_cursor AS j
       SET seq = p_seq, newest_us = greatest(j.newest_us, v_high), moved_at = now(),
           stored = CASE WHEN j.hour = v_hour THEN j.stored + v_rows ELSE j.stored END
     WHERE j.journal_id = p_journal AND j.seq = p_prev
    RETURNING j.hour, j.stored, j.duplicates, j.shifted INTO v_hour_before, v_stored, v_duplicates, v_shifted;
    IF NOT FOUND THEN
        SELECT j.seq INTO cursor FROM pumpjack.ingest_cursor AS j WHERE j.journal_id = p_journal;
        RETURN;
    END IF;
    applied := true;
    cursor := p_seq;
    v_usual := CASE WHEN v_hour_before = v_hour THEN v_rows ELSE 0 END;

    v_done := pumpjack.store_batch(
        v_connection, p_journal, v_newest, v_low, v_high, p_us, p_tag, p_quality, p_value, p_quarantined);
    stored := v_done.stored; duplicates := v_done.duplicates;
    shifted := v_done.shifted; quarantined := v_done.quarantined;
    v_hour := to_timestamp(v_done.hour * 3600);
    IF v_usual = 0 AND v_hour IS NULL OR v_hour = v_hour_before AND v_usual = stored AND duplicates = 0 AND shifted = 0 THEN
        RETURN;
    END IF;
    v_stored := v_stored - v_usual;
    IF v_hour <> v_hour_before THEN
        INSERT INTO pumpjack.ingest_hour AS a
               (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
        VALUES (v_connection, p_journal, v_hour_before, v_stored + v_duplicates, v_stored, v_duplicates, v_shifted, 0)
        ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
           SET received = a.received + EXCLUDED.received, stored = a.stored + EXCLUDED.stored,
               duplicates = a.duplicates + EXCLUDED.duplicates, shifted = a.shifted + EXCLUDED.shifted;
        v_stored := 0; v_duplicates := 0; v_shifted := 0;
    END IF;
    IF v_hour IS NOT NULL THEN
        v_stored := v_stored + stored; v_duplicates := v_duplicates + duplicates; v_shifted := v_shifted + shifted;
    END IF;
    UPDATE pumpjack.ingest_cursor AS j
       SET hour = coalesce(v_hour, j.hour), stored = v_stored, duplicates = v_duplicates, shifted = v_shifted
     WHERE j.journal_id = p_journal;
END
$$;

DO $$
BEGIN
    IF current_setting('pumpjack.level') = 'community' THEN  -- 0008 says why; a new body forgets it
        ALTER FUNCTION pumpjack.write_batch(
            uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb
        ) SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
    END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION
    pumpjack.is_note(text),
    pumpjack.keep_out(integer, uuid, integer, integer[], bigint[], text[], text[]),
    pumpjack.shift_conflicts(bigint[], integer[], integer[], double precision[], timestamptz, timestamptz),
    pumpjack.store_batch(
        integer, uuid, bigint, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb)
FROM PUBLIC;
