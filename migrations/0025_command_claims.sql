-- The worker's side of commands. Who claims one has recorded that it was sent before anything is written: after
-- a crash nobody writes it again, it is only read back.
SET LOCAL ROLE pumpjack_owner;

-- The oldest command of the connection that is approved and has not expired, now 'sent'; no row when there is
-- none, or when the fence is smaller than the connection's. PJ002.
CREATE FUNCTION pumpjack.claim_command(p_connection text, p_fence bigint)
RETURNS TABLE (command_id uuid, well_id text, tag_name text, value double precision, verify_s double precision,
               expires_at timestamptz, requested_by text, sent_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_connection pumpjack.connection;
    v pumpjack.commands;
    v_definition pumpjack.tag_definition;
    v_problem text;
BEGIN
    SELECT c.* INTO v_connection FROM pumpjack.connection AS c
    WHERE c.tenant_id = v_tenant AND c.connection_id = p_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % is not known', p_connection
            USING ERRCODE = 'PJ002', HINT = 'Call take_fence first.';
    END IF;
    -- Asked often and answered without a lock.
    IF NOT EXISTS (SELECT FROM pumpjack.commands AS c
                   WHERE c.connection_no = v_connection.connection_no AND c.state = 'approved') THEN
        RETURN;
    END IF;
    SELECT c.* INTO v_connection FROM pumpjack.connection AS c
    WHERE c.connection_no = v_connection.connection_no FOR NO KEY UPDATE;
    IF p_fence < v_connection.fence THEN
        RETURN;
    END IF;
    PERFORM pumpjack.lock_head(v_tenant);
    LOOP
        SELECT c.* INTO v FROM pumpjack.commands AS c
        WHERE c.connection_no = v_connection.connection_no AND c.state = 'approved'
          AND c.expires_at > clock_timestamp()
        ORDER BY c.requested_at, c.command_id LIMIT 1 FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        -- What is declared may have changed since it was asked for.
        SELECT d.* INTO v_definition FROM pumpjack.tag_definition AS d
        WHERE d.connection_no = v.connection_no AND d.well_id = v.well_id AND d.tag_name = v.tag_name AND d.declared;
        IF FOUND THEN
            SELECT w.problem INTO v_problem
            FROM pumpjack.connection_definition AS f,
                 LATERAL pumpjack.write_problem(v_definition, f.writes, v.value) AS w
            WHERE f.connection_no = v.connection_no;
            IF v_problem IS NULL AND v_definition.write_hash <> v.write_hash THEN
                v_problem := format('%s of %s was declared otherwise after this was asked for; nothing was written: '
                                    'ask again', v.tag_name, v.well_id);
            END IF;
        ELSE
            v_problem := 'the tag is declared no more';
        END IF;
        IF v_problem IS NULL THEN
            v.fence := p_fence;
            v := pumpjack.step_command(v, 'sent', 'worker', jsonb_build_object('fence', p_fence), true);
            RETURN QUERY SELECT v.command_id, v.well_id, v.tag_name, v.value, v.verify_s, v.expires_at,
                                v.requested_by, v.sent_at;
            RETURN;
        END IF;
        PERFORM pumpjack.step_command(v, 'refused', '', jsonb_build_object(
            'problem', v_problem, 'message', v_problem));
    END LOOP;
END
$$;

-- Commands of the connection that were claimed and whose end nobody told: read back, never write. Those with the
-- caller's own fence are among them: a claim whose answer was lost is one. Until it expires, whoever claimed it
-- may still write it.
CREATE FUNCTION pumpjack.unfinished_commands(p_connection text, p_fence bigint)
RETURNS TABLE (command_id uuid, well_id text, tag_name text, value double precision, verify_s double precision,
               state text, sent_at timestamptz, fence bigint, expires_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT m.command_id, m.well_id, m.tag_name, m.value, m.verify_s, m.state, m.sent_at, m.fence, m.expires_at
    FROM pumpjack.connection AS c
    JOIN pumpjack.commands AS m ON m.connection_no = c.connection_no
    WHERE c.tenant_id = pumpjack.session_tenant() AND c.connection_id = p_connection AND c.fence <= p_fence
      AND m.state IN ('sent', 'accepted')
    ORDER BY m.sent_at, m.command_id
$$;

-- How a claimed command goes on: accepted, verified, mismatch, timeout or refused. False when it has ended
-- otherwise already; telling the same again changes nothing and is true. PJ004, PJ032.
CREATE FUNCTION pumpjack.tell_command(p_command uuid, p_state text, p_detail jsonb DEFAULT '{}') RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v pumpjack.commands;
BEGIN
    IF p_state IS NULL OR p_state NOT IN ('accepted', 'verified', 'mismatch', 'timeout', 'refused') THEN
        RAISE EXCEPTION 'a worker tells accepted, verified, mismatch, timeout or refused, not %', p_state
            USING ERRCODE = 'PJ004';
    END IF;
    PERFORM pumpjack.lock_head(v_tenant);
    SELECT c.* INTO v FROM pumpjack.commands AS c
    WHERE c.command_id = p_command AND c.tenant_id = v_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the command % is not known', p_command USING ERRCODE = 'PJ032';
    END IF;
    IF v.state = p_state THEN
        RETURN true;
    END IF;
    IF v.state NOT IN ('sent', 'accepted') THEN
        RETURN false;
    END IF;
    PERFORM pumpjack.step_command(v, p_state, 'worker', coalesce(p_detail, '{}'));
    RETURN true;
END
$$;

GRANT EXECUTE ON FUNCTION
    pumpjack.claim_command(text, bigint),
    pumpjack.unfinished_commands(text, bigint),
    pumpjack.tell_command(uuid, text, jsonb)
TO pumpjack_writer;
