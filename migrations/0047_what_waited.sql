-- What waits in a journal is as old as the worker that read it, whoever opens the journal now.
SET LOCAL ROLE pumpjack_owner;

-- Numbers up to opened_follows were used by workers before the one that has opened the journal; what waits of them
-- counts as told under fence_before.
ALTER TABLE pumpjack.ingest_cursor
    ADD COLUMN opened_follows bigint NOT NULL DEFAULT 0,
    ADD COLUMN fence_before bigint NOT NULL DEFAULT 0;

-- p_follows: no worker before this one has used a number above it.
CREATE FUNCTION pumpjack.open_journal(p_journal uuid, p_connection text, p_fence bigint, p_follows bigint)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_seq bigint := pumpjack.open_journal(p_journal, p_connection);
BEGIN
    -- Not beyond the connection's: a database that was put back counts anew. What no worker ever came to tell under
    -- a fence of its own is held against the one before ours by its time. What two before have left counts as the
    -- first one's.
    UPDATE pumpjack.ingest_cursor AS j
       SET opened_fence = least(p_fence, c.fence), opened_follows = p_follows,
           fence_before = CASE WHEN j.opened_fence = 0 THEN least(p_fence, c.fence) - 1
                               WHEN j.seq < j.opened_follows THEN j.fence_before
                               ELSE j.opened_fence END
    FROM pumpjack.connection AS c
    WHERE j.journal_id = p_journal AND c.connection_no = j.connection_no
      AND j.opened_fence <> least(p_fence, c.fence);
    RETURN v_seq;
END
$$;
GRANT EXECUTE ON FUNCTION pumpjack.open_journal(uuid, text, bigint, bigint) TO pumpjack_writer;

-- For workers of before.
CREATE OR REPLACE FUNCTION pumpjack.open_journal(p_journal uuid, p_connection text, p_fence bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT pumpjack.open_journal(p_journal, p_connection, p_fence, 0)
$$;

-- apply_transitions as it was, but for the fence. Its caller has moved the cursor to the last number of the batch.
DO $$
DECLARE
    v_before text := 'SELECT j.opened_fence INTO v_fence FROM';
    v_name regprocedure := 'pumpjack.apply_transitions(integer, uuid, jsonb)';
    v_text text := pg_get_functiondef(v_name);
BEGIN
    IF cardinality(string_to_array(v_text, v_before)) <> 2 THEN
        RAISE EXCEPTION '% is not as this migration knows it', v_name;
    END IF;
    EXECUTE replace(v_text, v_before,
        'SELECT CASE WHEN j.seq <= j.opened_follows THEN j.fence_before ELSE j.opened_fence END INTO v_fence
    FROM');
END
$$;

-- What comes late is held against what was at its time.
CREATE INDEX events_of_alarm_by_time ON pumpjack.events (alarm_id, at, event_no);
