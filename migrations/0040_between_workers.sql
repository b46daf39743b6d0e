-- What a worker asks and tells of the time before it: until when others have read its connection, and
-- that the device is left alone on purpose.
--   PJ002 the connection is not known to this login
SET LOCAL ROLE pumpjack_owner;

-- Until when the database has readings of a connection by journals other than this one [µs since the
-- epoch]; 0 without any. Times of a device that is ahead count as those of their storing.
CREATE FUNCTION pumpjack.read_until(p_connection text, p_journal uuid) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(max(least(j.newest_us, (extract(epoch FROM j.moved_at) * 1000000)::bigint)), 0)
    FROM pumpjack.ingest_cursor AS j
    JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
    WHERE c.tenant_id = pumpjack.session_tenant() AND c.connection_id = p_connection
      AND j.journal_id <> p_journal AND j.newest_us > 0
$$;

-- The worker that started at p_us [µs since the epoch] reads its device, or leaves it alone. A hole of
-- the kind suspended lasts from the first that left it alone to the next that reads.
CREATE FUNCTION pumpjack.tell_suspended(
    p_connection text, p_journal uuid, p_suspended boolean, p_us bigint
) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_connection integer;
    v_open bigint;
    v_at timestamptz := pumpjack.at_us(greatest(0, least(p_us, 4102444800000000)));
    v_text text := to_char(v_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
BEGIN
    SELECT c.connection_no INTO v_connection
    FROM pumpjack.connection AS c
    WHERE c.tenant_id = pumpjack.session_tenant() AND c.connection_id = p_connection
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence or know_connection first.';
    END IF;
    SELECT h.hole_id INTO v_open
    FROM pumpjack.hole AS h
    WHERE h.connection_no = v_connection AND h.kind = 'suspended' AND NOT h.detail::jsonb ? 'to';
    IF p_suspended AND v_open IS NULL THEN
        INSERT INTO pumpjack.hole (connection_no, journal_id, seq, kind, at, detail)
        VALUES (v_connection, p_journal, 0, 'suspended', v_at, jsonb_build_object('from', v_text)::text);
    ELSIF NOT p_suspended AND v_open IS NOT NULL THEN
        UPDATE pumpjack.hole AS h SET detail = (h.detail::jsonb || jsonb_build_object('to', v_text))::text
        WHERE h.hole_id = v_open;
    END IF;
END
$$;

REVOKE EXECUTE ON FUNCTION
    pumpjack.read_until(text, uuid),
    pumpjack.tell_suspended(text, uuid, boolean, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    pumpjack.read_until(text, uuid),
    pumpjack.tell_suspended(text, uuid, boolean, bigint)
TO pumpjack_writer;
