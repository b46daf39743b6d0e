-- Journals that were left behind, and what the database knows to be missing from it.
--   PJ002 the connection, or the journal, is not known to this login
SET LOCAL ROLE pumpjack_owner;

-- When its worker ended with nothing left in it. A journal that rests without is one that may have
-- held readings when it was lost.
ALTER TABLE pumpjack.ingest_cursor ADD COLUMN drained_at timestamptz;

-- What was acknowledged or seen and is not stored, with the time that it is missing from. Apart from
-- the quarantine, whose bound it must not fall under.
--   not_stored     the journal had no room            damaged_batch  a batch did not read any more
--   gap            the device or the broker lost it   restored       the database was put back
CREATE TABLE pumpjack.hole (
    hole_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    journal_id uuid NOT NULL,
    -- The cursor when it was told.
    seq bigint NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    detail text NOT NULL,
    told_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX hole_by_connection ON pumpjack.hole (connection_no, at);
CREATE INDEX hole_by_age ON pumpjack.hole (told_at);
-- A worker tells again what it is not sure to have told.
CREATE UNIQUE INDEX hole_restored_once ON pumpjack.hole (journal_id, seq) WHERE kind = 'restored';

-- The fence of a connection as it stands, for whoever empties a journal beside a worker that runs.
-- A connection that is not known is registered with fence 0; a worker that starts takes 1.
CREATE FUNCTION pumpjack.know_connection(p_connection text, p_protocol text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_fence bigint;
BEGIN
    IF p_protocol IS NOT NULL THEN
        INSERT INTO pumpjack.connection (tenant_id, connection_id, protocol)
        VALUES (v_tenant, p_connection, p_protocol)
        ON CONFLICT (tenant_id, connection_id) DO NOTHING;
    END IF;
    SELECT c.fence INTO v_fence
    FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % of the tenant % is not known here', p_connection, v_tenant
            USING ERRCODE = 'PJ002',
                  HINT = 'check database and login; if both are right, say what it speaks with --protocol';
    END IF;
    RETURN v_fence;
END
$$;

-- Everything that this journal ever held is stored, up to p_seq. False when the cursor is elsewhere.
CREATE FUNCTION pumpjack.close_journal(p_journal uuid, p_seq bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE pumpjack.ingest_cursor AS j SET drained_at = now()
    FROM pumpjack.connection AS c
    WHERE j.journal_id = p_journal AND j.seq = p_seq AND c.connection_no = j.connection_no
      AND c.tenant_id = pumpjack.session_tenant();
    RETURN FOUND;
END
$$;

-- The journal let go of everything up to p_seq because the database had it, last of what was received
-- at p_us [µs since the epoch], and now its cursor stands below: the database was put back, and what
-- lies between is in neither. Recorded once.
CREATE FUNCTION pumpjack.tell_restored(p_journal uuid, p_seq bigint, p_us bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_cursor pumpjack.ingest_cursor;
    v_until timestamptz := pumpjack.at_us(greatest(0, least(p_us, 4102444800000000)));
    v_from timestamptz;
BEGIN
    SELECT j.* INTO v_cursor
    FROM pumpjack.ingest_cursor AS j
    JOIN pumpjack.connection AS c ON c.connection_no = j.connection_no
    WHERE j.journal_id = p_journal AND c.tenant_id = v_tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the journal % is not open for this login', p_journal
            USING ERRCODE = 'PJ002', HINT = 'Call open_journal first.';
    END IF;
    IF v_cursor.seq >= p_seq THEN
        RETURN;
    END IF;
    -- A journal that the backup does not know began after what its connection stored last.
    SELECT least(coalesce(max(j.moved_at), v_until), v_until) INTO v_from
    FROM pumpjack.ingest_cursor AS j WHERE j.connection_no = v_cursor.connection_no;
    INSERT INTO pumpjack.hole (connection_no, journal_id, seq, kind, at, detail)
    VALUES (v_cursor.connection_no, p_journal, v_cursor.seq, 'restored', v_from, jsonb_build_object(
        'from', to_char(coalesce(v_cursor.moved_at, v_from) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'to', to_char(v_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        'cursor', v_cursor.seq, 'stored', p_seq)::text)
    ON CONFLICT DO NOTHING;
END
$$;

REVOKE EXECUTE ON FUNCTION
    pumpjack.know_connection(text, text),
    pumpjack.close_journal(uuid, bigint),
    pumpjack.tell_restored(uuid, bigint, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    pumpjack.know_connection(text, text),
    pumpjack.close_journal(uuid, bigint),
    pumpjack.tell_restored(uuid, bigint, bigint)
TO pumpjack_writer;
