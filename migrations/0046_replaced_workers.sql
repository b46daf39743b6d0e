-- Who speaks for an alarm now, and times that the database's clock has gone back over.
SET LOCAL ROLE pumpjack_owner;

-- Once a worker with a greater fence has told of an alarm, what comes from a journal of one before it is late,
-- whatever its time: the newer one tells changes only, and would not speak again. Of one fence, the time says.
CREATE OR REPLACE FUNCTION pumpjack.is_late(p_alarm pumpjack.alarm, p_us bigint, p_journal uuid, p_fence bigint)
RETURNS boolean
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT p_alarm.journal_id <> p_journal
           AND (p_fence < p_alarm.fence OR p_fence = p_alarm.fence AND p_us < p_alarm.last_us)
$$;

-- request_command and claim_command as they were, but for one condition each: what was asked for in times that
-- are still to come is of no minute of ours, and when it expires means nothing: nobody knows how old it is.
DO $$
DECLARE
    v_change record;
    v_text text;
BEGIN
    FOR v_change IN
        SELECT p.oid::regprocedure AS name, c.before, c.after
        FROM (VALUES
            ('request_command',
             'c.requested_at > clock_timestamp() - interval ''1 minute'')',
             'c.requested_at > clock_timestamp() - interval ''1 minute''
                     AND c.requested_at <= clock_timestamp())'),
            ('claim_command',
             '        IF v_problem IS NULL THEN
            v.fence := p_fence;',
             '        IF coalesce(v.decided_at, v.requested_at) > clock_timestamp() + interval ''1 second'' THEN
            v_problem := ''the clock of the database was put back after this was asked for; nothing was written: ''
                         ''ask again'';
        END IF;
        IF v_problem IS NULL THEN
            v.fence := p_fence;')
        ) AS c (name, before, after)
        JOIN pg_proc AS p ON p.pronamespace = 'pumpjack'::regnamespace AND p.proname = c.name
    LOOP
        v_text := pg_get_functiondef(v_change.name);
        IF cardinality(string_to_array(v_text, v_change.before)) <> 2 THEN
            RAISE EXCEPTION '% is not as this migration knows it', v_change.name;
        END IF;
        EXECUTE replace(v_text, v_change.before, v_change.after);
    END LOOP;
END
$$;
