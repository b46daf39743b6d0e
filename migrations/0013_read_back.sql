-- A reading that came live and is read back from the device's history is the same reading.
SET LOCAL ROLE pumpjack_owner;

-- Whether two readings of one tag, instant and value are two readings by their quality. Bit 8 says
-- that one was read back, bit 9 that its time was moved (pumpjack_core/quality.py).
CREATE FUNCTION pumpjack.differs(one smallint, other smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (one | other) & 256 = 0 AND (one # other) & 255 <> 0
$$;
REVOKE EXECUTE ON FUNCTION pumpjack.differs(smallint, smallint) FROM PUBLIC;

-- Find a place for those readings of a batch whose instant holds another value or quality: the
-- next free microsecond, up to a millisecond later. One that was shifted there before is a
-- duplicate, and so is one that a device's history gives again, whatever was thought of it when it
-- came live. Returns how many were placed, and positions in the arrays of those without a place.
CREATE OR REPLACE FUNCTION pumpjack.shift_conflicts(
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
