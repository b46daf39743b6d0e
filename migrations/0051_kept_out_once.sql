-- What comes again is kept out once, as what is stored is stored once: a message that a broker sends again before its
-- journal had it, what a salvaged journal still has, a hole that was told when its worker was killed.
SET LOCAL ROLE pumpjack_owner;

-- With the raw form: a device whose clock stands still sends everything at one time.
DROP INDEX pumpjack.quarantine_by_time;
CREATE INDEX quarantine_by_time ON pumpjack.quarantine (connection_no, ts, hashtextextended(raw, 0));

-- keep_out() as it was, but for what is there already, with the same tag, time, reason and raw form: that counts as a
-- duplicate. Past the bound of the quarantine nothing tells it. Returns how many were kept out anew.
CREATE OR REPLACE FUNCTION pumpjack.keep_out(
    p_connection integer, p_journal uuid, p_bound integer,
    p_tag integer[], p_us bigint[], p_reason text[], p_raw text[]
) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off  -- each is looked up by itself: there may be many of one time, and the plan is made on none
AS $$
DECLARE
    v_tag integer[];
    v_us bigint[];
    v_reason text[];
    v_raw text[];
BEGIN
    WITH come AS (
        SELECT b.tag, b.us, pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))) AS ts,
               left(b.reason, 63) AS reason, left(b.raw, 4096) AS raw, min(b.position) AS position
        FROM unnest(p_tag, p_us, p_reason, p_raw) WITH ORDINALITY AS b (tag, us, reason, raw, position)
        GROUP BY 1, 2, 4, 5
    )
    SELECT array_agg(c.tag ORDER BY c.position), array_agg(c.us ORDER BY c.position),
           array_agg(c.reason ORDER BY c.position), array_agg(c.raw ORDER BY c.position)
    INTO v_tag, v_us, v_reason, v_raw
    FROM come AS c
    WHERE (SELECT q.quarantine_id FROM pumpjack.quarantine AS q
           WHERE q.connection_no = p_connection AND q.ts = c.ts
             AND hashtextextended(q.raw, 0) = hashtextextended(c.raw, 0) AND q.raw = c.raw
             AND q.reason = c.reason AND q.tag_id IS NOT DISTINCT FROM c.tag LIMIT 1) IS NULL
      AND (NOT pumpjack.is_note(c.reason) OR (
           SELECT h.hole_id FROM pumpjack.hole AS h
           WHERE h.connection_no = p_connection AND h.at = c.ts AND h.kind = c.reason AND h.detail = c.raw LIMIT 1) IS NULL);

    INSERT INTO pumpjack.ingest_hour AS a
           (connection_no, journal_id, hour, received, stored, duplicates, shifted, quarantined)
    SELECT p_connection, p_journal, date_bin('1 hour', pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))), 'epoch'),
           sum(b.come), 0, sum(b.come - b.kept), 0, sum(b.kept)
    FROM (SELECT r.us, r.reason, 1 AS come, 0 AS kept FROM unnest(p_us, p_reason) AS r (us, reason)
          UNION ALL
          SELECT r.us, r.reason, 0, 1 FROM unnest(v_us, v_reason) AS r (us, reason)) AS b
    WHERE NOT pumpjack.is_note(b.reason)
    GROUP BY 3 ORDER BY 3
    ON CONFLICT ON CONSTRAINT ingest_hour_pkey DO UPDATE
       SET received = a.received + EXCLUDED.received, duplicates = a.duplicates + EXCLUDED.duplicates,
           quarantined = a.quarantined + EXCLUDED.quarantined;
    IF v_us IS NULL THEN
        RETURN 0;
    END IF;
    INSERT INTO pumpjack.hole (connection_no, journal_id, seq, kind, at, detail)
    SELECT p_connection, p_journal, j.seq, b.reason,
           pumpjack.at_us(greatest(0, least(b.us, 4102444800000000))), b.raw
    FROM unnest(v_us, v_reason, v_raw) AS b (us, reason, raw)
    JOIN pumpjack.ingest_cursor AS j ON j.journal_id = p_journal
    WHERE pumpjack.is_note(b.reason);
    RETURN pumpjack.put_in_quarantine(p_connection, p_bound, v_tag, v_us, v_reason, v_raw);
END
$$;
