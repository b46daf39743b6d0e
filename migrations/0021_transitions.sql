-- What a worker saw, applied to the alarms in the transaction that stores the batch.
SET LOCAL ROLE pumpjack_owner;

-- The fence of the worker that opened the journal last: of two journals, the one that was opened under the
-- greater tells how things are now.
ALTER TABLE pumpjack.ingest_cursor ADD COLUMN opened_fence bigint NOT NULL DEFAULT 0;

-- As in 0017, for the worker that took the fence p_fence. Whoever empties a journal in a worker's place took none
-- and calls the one of 0017: what waits in it is as old as before.
CREATE FUNCTION pumpjack.open_journal(p_journal uuid, p_connection text, p_fence bigint) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_seq bigint := pumpjack.open_journal(p_journal, p_connection);
BEGIN
    -- Not beyond the connection's: a database that was put back counts anew.
    UPDATE pumpjack.ingest_cursor AS j SET opened_fence = least(p_fence, c.fence)
    FROM pumpjack.connection AS c
    WHERE j.journal_id = p_journal AND c.connection_no = j.connection_no
      AND j.opened_fence <> least(p_fence, c.fence);
    RETURN v_seq;
END
$$;

-- A transition that came too late to change anything: an event if it was a change at its time.
-- Returns the number that was used last.
CREATE FUNCTION pumpjack.note_late(
    p_alarm pumpjack.alarm, p_event_no bigint, p_active boolean, p_at timestamptz, p_value double precision
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_before text;
BEGIN
    SELECT e.kind INTO v_before FROM pumpjack.events AS e
    WHERE e.alarm_id = p_alarm.alarm_id AND e.at <= p_at AND e.kind IN ('raised', 'returned')
    ORDER BY e.at DESC, e.event_no DESC LIMIT 1;
    IF (coalesce(v_before, 'returned') = 'raised') = p_active THEN
        RETURN p_event_no;
    END IF;
    PERFORM pumpjack.note_event(p_alarm, p_event_no + 1, CASE WHEN p_active THEN 'raised' ELSE 'returned' END,
                                p_at, '', '', p_value, '{"late": true}');
    UPDATE pumpjack.alarm AS a SET event_no = p_event_no + 1 WHERE a.alarm_id = p_alarm.alarm_id;
    RETURN p_event_no + 1;
END
$$;

-- Whether a transition is older than what is known, and told by another journal that was not opened later.
CREATE FUNCTION pumpjack.is_late(p_alarm pumpjack.alarm, p_us bigint, p_journal uuid, p_fence bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_us < p_alarm.last_us AND p_alarm.journal_id <> p_journal AND p_fence <= p_alarm.fence
$$;

-- Note who told last of the alarms that are as they were: after a start a worker tells of every one. Returns the
-- positions of the other transitions, in their order.
CREATE FUNCTION pumpjack.note_unchanged(p_connection integer, p_journal uuid, p_fence bigint, p_transitions jsonb)
RETURNS integer[]
LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    WITH told AS MATERIALIZED (
        SELECT t.active, t.suppressed, t.position::integer AS position,
               greatest(0, least(t.us, 4102444800000000)) AS us, s.well_id, s.tag_name, t.condition,
               count(*) OVER (PARTITION BY t.tag, t.condition) AS times
        FROM ROWS FROM (jsonb_to_recordset(p_transitions) AS (
                 tag integer, condition text, active boolean, us bigint, suppressed boolean
             )) WITH ORDINALITY AS t (tag, condition, active, us, suppressed, position)
        LEFT JOIN pumpjack.series AS s ON s.tag_id = t.tag AND s.connection_no = p_connection
    ), known AS MATERIALIZED (
        SELECT a.alarm_id, t.us, t.position, coalesce(
                   t.times = 1 AND a.active = t.active AND a.suppressed = coalesce(t.suppressed, a.suppressed)
                   AND NOT a.removed
                   AND NOT coalesce(a.shelved_until <= clock_timestamp(), false)
                   AND NOT coalesce(pumpjack.is_late(a, t.us, p_journal, p_fence), false), false) AS unchanged
        FROM told AS t
        LEFT JOIN pumpjack.alarm AS a ON a.connection_no = p_connection AND a.well_id = t.well_id
              AND a.tag_name = t.tag_name AND a.condition = t.condition
    ), noted AS (
        UPDATE pumpjack.alarm AS a SET last_us = k.us, journal_id = p_journal, fence = p_fence
        FROM known AS k
        WHERE k.unchanged AND a.alarm_id = k.alarm_id
          AND (a.last_us, a.journal_id, a.fence) IS DISTINCT FROM (k.us, p_journal, p_fence)
    )
    SELECT array_agg(k.position ORDER BY k.position) FILTER (WHERE NOT k.unchanged) FROM known AS k
$$;

-- Apply transitions of a connection that the caller has locked, in their order:
-- [{"tag": tag_id, "condition", "active", "us", "value", "suppressed"}]. Alarms that are not known are made.
-- suppressed null: the worker does not know it yet, and it stays as it is.
-- PJ003, PJ004.
CREATE FUNCTION pumpjack.apply_transitions(p_connection integer, p_journal uuid, p_transitions jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_connection pumpjack.connection;
    v_fence bigint;
    v_head pumpjack.event_head;
    v_no bigint;
    v_news integer[];
    v_seen record;
    v pumpjack.alarm;
    v_at timestamptz;
BEGIN
    SELECT * INTO v_connection FROM pumpjack.connection AS c WHERE c.connection_no = p_connection;
    SELECT j.opened_fence INTO v_fence FROM pumpjack.ingest_cursor AS j WHERE j.journal_id = p_journal;
    v_head := pumpjack.lock_head(v_connection.tenant_id);
    v_no := v_head.event_no;
    -- For a few the plan for many would cost more than it saves.
    IF jsonb_array_length(p_transitions) > 100 THEN
        v_news := pumpjack.note_unchanged(p_connection, p_journal, v_fence, p_transitions);
    ELSE
        v_news := ARRAY(SELECT generate_series(1, jsonb_array_length(p_transitions)));
    END IF;
    FOR v_seen IN
        SELECT t.tag, t.condition, t.active, t.suppressed,
               greatest(0, least(t.us, 4102444800000000)) AS us, pumpjack.finite(t.value) AS value,
               (SELECT s.connection_no FROM pumpjack.series AS s WHERE s.tag_id = t.tag) AS connection_no,
               (SELECT s.well_id FROM pumpjack.series AS s WHERE s.tag_id = t.tag) AS well_id,
               (SELECT s.tag_name FROM pumpjack.series AS s WHERE s.tag_id = t.tag) AS tag_name
        FROM ROWS FROM (jsonb_to_recordset(p_transitions) AS (
                 tag integer, condition text, active boolean, us bigint, value double precision, suppressed boolean
             )) WITH ORDINALITY AS t (tag, condition, active, us, value, suppressed, position)
        JOIN unnest(v_news) AS n (position) ON n.position = t.position
        ORDER BY t.position
    LOOP
        IF v_seen.connection_no IS DISTINCT FROM p_connection THEN
            RAISE EXCEPTION 'a transition is of the tag %, no series of this connection; nothing was stored', v_seen.tag
                USING ERRCODE = 'PJ003', HINT = 'Use the numbers that register_series returned.';
        END IF;
        IF v_seen.active IS NULL OR v_seen.us IS NULL OR v_seen.condition IS NULL OR v_seen.condition NOT IN (
            'hihi', 'hi', 'lo', 'lolo', 'rate', 'deviation', 'state', 'bad_quality', 'stale') THEN
            RAISE EXCEPTION 'a transition of the tag % lacks a condition, active or us; nothing was stored', v_seen.tag
                USING ERRCODE = 'PJ004';
        END IF;
        v_at := pumpjack.at_us(v_seen.us);
        INSERT INTO pumpjack.alarm (alarm_id, tenant_id, connection_no, well_id, tag_name, condition, since)
        VALUES (pumpjack.alarm_id(v_connection.tenant_id, v_connection.connection_id,
                                  v_seen.well_id, v_seen.tag_name, v_seen.condition),
                v_connection.tenant_id, p_connection, v_seen.well_id, v_seen.tag_name, v_seen.condition, v_at)
        ON CONFLICT (alarm_id) DO NOTHING;
        SELECT * INTO v FROM pumpjack.alarm AS a
        WHERE a.alarm_id = pumpjack.alarm_id(v_connection.tenant_id, v_connection.connection_id,
                                             v_seen.well_id, v_seen.tag_name, v_seen.condition);
        IF pumpjack.is_late(v, v_seen.us, p_journal, v_fence) THEN
            v_no := pumpjack.note_late(v, v_no, v_seen.active, v_at, v_seen.value);
            CONTINUE;
        END IF;
        UPDATE pumpjack.alarm AS a SET last_us = v_seen.us, journal_id = p_journal, fence = v_fence
        WHERE a.alarm_id = v.alarm_id
          AND (a.last_us, a.journal_id, a.fence) IS DISTINCT FROM (v_seen.us, p_journal, v_fence);
        IF v.removed THEN
            -- Nobody declares it now; if it is declared again, this is how it is then.
            IF v.active <> v_seen.active THEN
                v_no := v_no + 1;
                PERFORM pumpjack.note_event(v, v_no, CASE WHEN v_seen.active THEN 'raised' ELSE 'returned' END,
                                            v_at, '', '', v_seen.value, '{"removed": true}');
            END IF;
            UPDATE pumpjack.alarm AS a
               SET active = v_seen.active, suppressed = coalesce(v_seen.suppressed, a.suppressed), value = v_seen.value,
                   event_no = CASE WHEN v.active <> v_seen.active THEN v_no ELSE a.event_no END,
                   active_since = CASE WHEN v_seen.active THEN v_at ELSE a.active_since END
             WHERE a.alarm_id = v.alarm_id;
            CONTINUE;
        END IF;
        IF v.shelved_until <= clock_timestamp() THEN
            v_no := v_no + 1;
            v := pumpjack.end_shelving(v, v_no);
        END IF;
        -- A return counts before the suppression changes, and a raise after it.
        IF v.active AND NOT v_seen.active THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, 'returned', v_at, p_value => v_seen.value);
        END IF;
        IF v.suppressed <> v_seen.suppressed THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, CASE WHEN v_seen.suppressed THEN 'suppressed' ELSE 'unsuppressed' END,
                                     v_at, p_value => v_seen.value);
        END IF;
        IF NOT v.active AND v_seen.active THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, 'raised', v_at, p_value => v_seen.value);
        END IF;
    END LOOP;
    IF v_no > v_head.event_no THEN
        UPDATE pumpjack.event_head AS h SET event_no = v_no WHERE h.tenant_id = v_connection.tenant_id;
    END IF;
END
$$;

-- write_batch with what the worker saw of its alarms; they change if and only if the cursor moves.
CREATE FUNCTION pumpjack.write_batch(
    p_journal uuid, p_prev bigint, p_seq bigint,
    p_us bigint[], p_tag integer[], p_quality integer[], p_value double precision[], p_quarantined jsonb,
    p_transitions jsonb,
    OUT applied boolean, OUT cursor bigint, OUT fence bigint,
    OUT stored integer, OUT duplicates integer, OUT shifted integer, OUT quarantined integer
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT w.* INTO applied, cursor, fence, stored, duplicates, shifted, quarantined
    FROM pumpjack.write_batch(p_journal, p_prev, p_seq, p_us, p_tag, p_quality, p_value, p_quarantined) AS w;
    IF applied AND p_transitions IS NOT NULL AND p_transitions <> '[]' THEN
        PERFORM pumpjack.apply_transitions(j.connection_no, p_journal, p_transitions)
        FROM pumpjack.ingest_cursor AS j WHERE j.journal_id = p_journal;
    END IF;
END
$$;
GRANT EXECUTE ON FUNCTION pumpjack.open_journal(uuid, text, bigint) TO pumpjack_writer;
GRANT EXECUTE ON FUNCTION pumpjack.write_batch(
    uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb, jsonb) TO pumpjack_writer;
