-- Commands: a value that somebody wants written to a device. A command is a row; its worker claims it once.
--   requested > validated > approved > sent > accepted > verified | mismatch | timeout
--   refused (by the device, or by what is declared now), expired (nobody claimed it), rejected (by the second person)
SET LOCAL ROLE pumpjack_owner;

ALTER TABLE pumpjack.settings
    ADD COLUMN commands_per_minute integer NOT NULL DEFAULT 60 CHECK (commands_per_minute >= 0),
    -- How long the second person has, and after how long a command that no worker told of is given up.
    ADD COLUMN approval_s integer NOT NULL DEFAULT 600 CHECK (approval_s >= 1),
    ADD COLUMN untold_s integer NOT NULL DEFAULT 900 CHECK (untold_s >= 60);

CREATE TABLE pumpjack.commands (
    command_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL REFERENCES pumpjack.tenant,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    well_id text NOT NULL,
    tag_name text NOT NULL,
    value double precision NOT NULL,
    reason text NOT NULL,
    idempotency_key text NOT NULL,
    requested_by text NOT NULL,
    requested_role text NOT NULL,
    requested_at timestamptz NOT NULL,
    approval boolean NOT NULL,  -- a second person is needed
    decided_by text,
    decided_at timestamptz,
    comment text NOT NULL DEFAULT '',
    expires_s double precision NOT NULL,
    expires_at timestamptz NOT NULL,
    verify_s double precision NOT NULL,
    write_hash text NOT NULL,  -- of the tag as it was declared when this was asked for
    state text NOT NULL CHECK (state IN (
        'requested', 'validated', 'approved', 'sent', 'accepted',
        'verified', 'mismatch', 'timeout', 'refused', 'expired', 'rejected')),
    fence bigint,  -- of the worker that claimed it
    sent_at timestamptz,
    done_at timestamptz,
    change_no bigint NOT NULL,  -- of its last step
    detail jsonb NOT NULL,      -- from where, as the gateway tells
    result jsonb NOT NULL DEFAULT '{}',  -- as the worker tells: what was read back
    UNIQUE (tenant_id, idempotency_key)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX command_running ON pumpjack.commands (connection_no, well_id, tag_name)
    WHERE state IN ('requested', 'validated', 'approved', 'sent', 'accepted');
CREATE INDEX command_by_time ON pumpjack.commands (tenant_id, requested_at);
CREATE INDEX command_by_age ON pumpjack.commands (done_at);

CREATE TABLE pumpjack.command_steps (
    tenant_id text NOT NULL,
    change_no bigint NOT NULL,
    command_id uuid NOT NULL REFERENCES pumpjack.commands,
    at timestamptz NOT NULL,
    state text NOT NULL,
    actor text NOT NULL,
    detail jsonb NOT NULL,
    PRIMARY KEY (tenant_id, change_no)
);
CREATE INDEX command_steps_by_command ON pumpjack.command_steps (command_id, change_no);

-- Move a command on, and say so. The caller holds the head. Ends are audited; so is what p_audited says.
CREATE FUNCTION pumpjack.step_command(
    p_command pumpjack.commands, p_state text, p_actor text, p_detail jsonb, p_audited boolean DEFAULT false
) RETURNS pumpjack.commands
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v pumpjack.commands := p_command;
    v_over boolean := p_state IN ('verified', 'mismatch', 'timeout', 'refused', 'expired', 'rejected');
    v_at timestamptz := clock_timestamp();
BEGIN
    UPDATE pumpjack.event_head AS h SET change_no = h.change_no + 1 WHERE h.tenant_id = v.tenant_id
    RETURNING h.change_no INTO v.change_no;
    v.state := p_state;
    INSERT INTO pumpjack.command_steps (tenant_id, change_no, command_id, at, state, actor, detail)
    VALUES (v.tenant_id, v.change_no, v.command_id, v_at, p_state, p_actor, p_detail);
    UPDATE pumpjack.commands AS c
       SET state = p_state, change_no = v.change_no, decided_by = v.decided_by, decided_at = v.decided_at,
           comment = v.comment, expires_at = v.expires_at, fence = v.fence,
           sent_at = CASE p_state WHEN 'sent' THEN v_at ELSE c.sent_at END,
           done_at = CASE WHEN v_over THEN v_at ELSE c.done_at END,
           result = CASE WHEN p_state IN ('requested', 'validated', 'approved', 'sent') THEN c.result ELSE c.result || p_detail END
     WHERE c.command_id = v.command_id
    RETURNING c.* INTO v;
    IF v_over OR p_audited THEN
        INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
        VALUES (v.tenant_id, left(p_actor, 253), CASE p_state WHEN 'requested' THEN 'command.request' ELSE 'command.' || p_state END,
                CASE WHEN p_state IN ('requested', 'approved', 'rejected', 'sent', 'verified') THEN 'done' ELSE p_state END,
                jsonb_build_object('command', v.command_id, 'well', v.well_id, 'tag', v.tag_name, 'value', v.value,
                                   'reason', v.reason, 'requestedBy', v.requested_by, 'from', v.detail,
                                   'detail', p_detail));
    END IF;
    RETURN v;
END
$$;

-- End a command that was claimed and of which no worker told. The caller holds the head.
CREATE FUNCTION pumpjack.give_up_command(p_command pumpjack.commands) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pumpjack.step_command(p_command, 'timeout', '', '{"known": false,
        "message": "no worker told how it ended; it may have been written: look at the device"}');
END
$$;

-- Why a value may not be written to a tag of this definition; NULL when it may.
CREATE FUNCTION pumpjack.write_problem(
    p_definition pumpjack.tag_definition, p_writes boolean, p_value double precision, OUT code text, OUT problem text
)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT p_definition.writable THEN
        code := 'PJ025';
        problem := format('%s of %s can only be read', p_definition.tag_name, p_definition.well_id);
    ELSIF NOT p_writes THEN
        code := 'PJ026';
        problem := format('the connection of %s does not allow writes', p_definition.well_id);
    ELSIF pumpjack.finite(p_value) IS NULL THEN
        code := 'PJ027';
        problem := 'the value is not a number';
    ELSIF cardinality(p_definition.write_states) > 0 THEN
        IF NOT EXISTS (SELECT FROM unnest(p_definition.write_states) AS s (state) WHERE s.state = p_value) THEN
            code := 'PJ027';
            problem := format('%s is none of the values that %s may be given: %s', p_value, p_definition.tag_name,
                              array_to_string(p_definition.write_states, ', '));
        END IF;
    ELSIF p_value < coalesce(p_definition.write_low, '-infinity') OR p_value > coalesce(p_definition.write_high, 'infinity')
          OR p_definition.write_low IS NULL AND p_definition.write_high IS NULL THEN
        code := 'PJ027';
        problem := format('%s is outside of what %s may be given: %s to %s', p_value, p_definition.tag_name,
                          p_definition.write_low, p_definition.write_high);
    END IF;
END
$$;

-- Ask for a value to be written. A request that is refused makes no command: code and problem say why, and it
-- is in the audit; code is NULL otherwise. again: this key was used for the same request, which is returned.
--   PJ020 the key was used for another request   PJ021 another command runs on the tag   PJ024 no such tag
--   PJ025 read only   PJ026 the connection allows no writes   PJ027 out of limits   PJ028 too many a minute
--   PJ029 the role may not   PJ031 the request lacks something
CREATE FUNCTION pumpjack.request_command(
    p_tenant text, p_actor text, p_role text, p_well text, p_tag text, p_value double precision,
    p_reason text, p_key text, p_expires_s double precision, p_detail jsonb DEFAULT '{}',
    OUT code text, OUT problem text, OUT again boolean,
    OUT command_id uuid, OUT connection_id text, OUT state text, OUT expires_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_set pumpjack.settings;
    v_definition pumpjack.tag_definition;
    v_writes boolean;
    v pumpjack.commands;
    v_other pumpjack.commands;
BEGIN
    again := false;
    SELECT * INTO v_set FROM pumpjack.settings;
    PERFORM pumpjack.lock_head(p_tenant);
    SELECT c.* INTO v FROM pumpjack.commands AS c WHERE c.tenant_id = p_tenant AND c.idempotency_key = p_key;
    IF FOUND THEN
        IF (v.well_id, v.tag_name, v.value, v.requested_by) IS NOT DISTINCT FROM (p_well, p_tag, p_value, left(p_actor, 253)) THEN
            again := true;
        ELSE
            code := 'PJ020';
            problem := 'the idempotency key was used for another command; make a new one for each';
        END IF;
    ELSIF coalesce(p_actor, '') = '' OR btrim(coalesce(p_reason, '')) = '' OR coalesce(p_key, '') = ''
          OR length(p_key) > 128 OR length(p_reason) > 1024 OR coalesce(p_expires_s, 0) NOT BETWEEN 1 AND 3600 THEN
        code := 'PJ031';
        problem := 'a command needs an actor, a reason (1,024 characters), a key (128), and 1 to 3,600 s until it expires';
    ELSIF coalesce(p_role, '') NOT IN ('operator', 'engineer', 'admin') THEN
        code := 'PJ029';
        problem := format('the role %s may not command; it takes an operator', coalesce(p_role, 'none'));
    ELSE
        SELECT d.* INTO v_definition
        FROM pumpjack.tag_definition AS d
        JOIN pumpjack.connection AS c ON c.connection_no = d.connection_no
        JOIN pumpjack.connection_definition AS f ON f.connection_no = d.connection_no
        WHERE c.tenant_id = p_tenant AND d.well_id = p_well AND d.tag_name = p_tag AND d.declared
        ORDER BY d.writable DESC, f.declared_at DESC LIMIT 1;
        IF NOT FOUND THEN
            code := 'PJ024';
            problem := format('there is no tag %s of a well %s', p_tag, p_well);
        ELSE
            SELECT f.writes INTO v_writes FROM pumpjack.connection_definition AS f
            WHERE f.connection_no = v_definition.connection_no;
            SELECT w.code, w.problem INTO code, problem
            FROM pumpjack.write_problem(v_definition, v_writes, p_value) AS w;
        END IF;
        IF code IS NULL THEN
            SELECT c.* INTO v_other FROM pumpjack.commands AS c
            WHERE c.connection_no = v_definition.connection_no AND c.well_id = p_well AND c.tag_name = p_tag
              AND c.state IN ('requested', 'validated', 'approved', 'sent', 'accepted');
            IF FOUND AND v_other.state IN ('requested', 'validated', 'approved') AND v_other.expires_at <= clock_timestamp() THEN
                PERFORM pumpjack.step_command(v_other, 'expired', '', '{}');
            ELSIF FOUND AND v_other.state IN ('sent', 'accepted')
                  AND v_other.sent_at <= clock_timestamp() - make_interval(secs => v_set.untold_s) THEN
                PERFORM pumpjack.give_up_command(v_other);
            ELSIF FOUND THEN
                code := 'PJ021';
                problem := format('another command on %s of %s is running: %s by %s, %s',
                                  p_tag, p_well, v_other.value, v_other.requested_by, v_other.state);
            END IF;
        END IF;
        IF code IS NULL AND v_set.commands_per_minute <= (
               SELECT count(*) FROM pumpjack.commands AS c
               WHERE c.tenant_id = p_tenant AND c.requested_at > clock_timestamp() - interval '1 minute') THEN
            code := 'PJ028';
            problem := format('there were %s commands within a minute already; wait a little', v_set.commands_per_minute);
        END IF;
    END IF;
    IF code IS NULL AND NOT again THEN
        INSERT INTO pumpjack.commands (
            tenant_id, connection_no, well_id, tag_name, value, reason, idempotency_key, requested_by, requested_role,
            requested_at, approval, expires_s, expires_at, verify_s, write_hash, state, change_no, detail)
        VALUES (
            p_tenant, v_definition.connection_no, p_well, p_tag, p_value, p_reason, p_key, left(p_actor, 253), p_role,
            clock_timestamp(), v_definition.write_approval = 'required', p_expires_s,
            clock_timestamp() + make_interval(secs => CASE v_definition.write_approval
                WHEN 'required' THEN v_set.approval_s ELSE p_expires_s END),
            v_definition.write_verify_s, v_definition.write_hash, 'requested', 0, coalesce(p_detail, '{}'))
        RETURNING * INTO v;
        v := pumpjack.step_command(v, 'requested', v.requested_by, v.detail, true);
        v := pumpjack.step_command(v, 'validated', '', '{}');
        IF NOT v.approval THEN
            v := pumpjack.step_command(v, 'approved', '', '{"approval": "none"}');
        END IF;
    END IF;
    IF code IS NULL THEN
        command_id := v.command_id; state := v.state; expires_at := v.expires_at;
        SELECT c.connection_id INTO connection_id FROM pumpjack.connection AS c WHERE c.connection_no = v.connection_no;
    ELSE
        INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
        VALUES (p_tenant, left(coalesce(p_actor, ''), 253), 'command.request', 'refused', jsonb_build_object(
            'code', code, 'problem', problem, 'well', left(p_well, 253), 'tag', left(p_tag, 253), 'value', p_value::text,
            'reason', left(p_reason, 1024), 'from', p_detail));
    END IF;
END
$$;

-- The second person approves or rejects. code and problem as above:
--   PJ022 it is the requester   PJ023 there is nothing to decide any more   PJ032 there is no such command
CREATE FUNCTION pumpjack.decide_command(
    p_tenant text, p_actor text, p_command uuid, p_approve boolean, p_comment text DEFAULT '',
    p_detail jsonb DEFAULT '{}',  -- from where, as the gateway tells
    OUT code text, OUT problem text, OUT command_id uuid, OUT connection_id text, OUT state text, OUT expires_at timestamptz
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v pumpjack.commands;
BEGIN
    PERFORM pumpjack.lock_head(p_tenant);
    SELECT c.* INTO v FROM pumpjack.commands AS c
    WHERE c.tenant_id = p_tenant AND c.command_id = p_command FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        code := 'PJ032';
        problem := 'there is no such command';
    ELSIF coalesce(p_actor, '') = '' OR left(p_actor, 253) = v.requested_by THEN
        code := 'PJ022';
        problem := 'whoever asked for a command cannot approve or reject it; it takes a second person';
    ELSE
        IF v.state IN ('requested', 'validated', 'approved') AND v.expires_at <= clock_timestamp() THEN
            v := pumpjack.step_command(v, 'expired', '', '{}');
        END IF;
        IF NOT v.approval OR v.state <> 'validated' THEN
            code := 'PJ023';
            problem := format('there is nothing to decide: the command is %s%s', v.state, ' by ' || v.decided_by);
        ELSE
            v.decided_by := left(p_actor, 253);
            v.decided_at := clock_timestamp();
            v.comment := left(coalesce(p_comment, ''), 1024);
            IF p_approve THEN
                v.expires_at := clock_timestamp() + make_interval(secs => v.expires_s);
            END IF;
            v := pumpjack.step_command(v, CASE WHEN p_approve THEN 'approved' ELSE 'rejected' END, p_actor,
                                       jsonb_build_object('comment', v.comment, 'from', coalesce(p_detail, '{}')), true);
        END IF;
    END IF;
    IF v.command_id IS NOT NULL THEN
        command_id := v.command_id; state := v.state; expires_at := v.expires_at;
        SELECT c.connection_id INTO connection_id FROM pumpjack.connection AS c WHERE c.connection_no = v.connection_no;
    END IF;
    IF code IS NOT NULL THEN
        INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
        VALUES (p_tenant, left(coalesce(p_actor, ''), 253), 'command.decide', 'refused', jsonb_build_object(
            'code', code, 'problem', problem, 'command', p_command, 'approve', p_approve, 'from', p_detail));
    END IF;
END
$$;

-- End what nobody claimed in time, and give up what no worker told of. Returns how many.
CREATE FUNCTION pumpjack.expire_commands(p_tenant text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_untold_s integer;
    v pumpjack.commands;
    v_count integer := 0;
BEGIN
    SELECT s.untold_s INTO v_untold_s FROM pumpjack.settings AS s;
    IF NOT EXISTS (
        SELECT FROM pumpjack.commands AS c WHERE c.tenant_id = p_tenant
        AND (c.state IN ('requested', 'validated', 'approved') AND c.expires_at <= clock_timestamp()
             OR c.state IN ('sent', 'accepted') AND c.sent_at <= clock_timestamp() - make_interval(secs => v_untold_s))) THEN
        RETURN 0;
    END IF;
    PERFORM pumpjack.lock_head(p_tenant);
    FOR v IN
        SELECT c.* FROM pumpjack.commands AS c WHERE c.tenant_id = p_tenant
        AND (c.state IN ('requested', 'validated', 'approved') AND c.expires_at <= clock_timestamp()
             OR c.state IN ('sent', 'accepted') AND c.sent_at <= clock_timestamp() - make_interval(secs => v_untold_s))
        ORDER BY c.requested_at, c.command_id FOR NO KEY UPDATE
    LOOP
        IF v.state IN ('sent', 'accepted') THEN
            PERFORM pumpjack.give_up_command(v);
        ELSE
            PERFORM pumpjack.step_command(v, 'expired', '', '{}');
        END IF;
        v_count := v_count + 1;
    END LOOP;
    RETURN v_count;
END
$$;

GRANT EXECUTE ON FUNCTION
    pumpjack.request_command(text, text, text, text, text, double precision, text, text, double precision, jsonb),
    pumpjack.decide_command(text, text, uuid, boolean, text, jsonb),
    pumpjack.expire_commands(text)
TO pumpjack_gateway;
