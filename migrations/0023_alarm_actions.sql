-- What people do to alarms, through the gateway. Each function tells, alarm by alarm, whether it was done; if
-- not, why, and who was first. PJ001 the tenant is not known; PJ030 the request itself cannot be.
SET LOCAL ROLE pumpjack_owner;

CREATE TYPE pumpjack.alarm_answer AS (
    alarm_id text,
    done boolean,
    problem text,        -- a sentence for people
    by text,             -- who was first
    at timestamptz,      -- and when
    version bigint,      -- as it is now
    event_no bigint,     -- of the event that it became, or of the alarm's last
    state text,
    code text            -- of the problem: unknown, already, changed, wrong_state
);

-- Why an action cannot be done to an alarm as it is; NULL when it can.
CREATE FUNCTION pumpjack.alarm_problem(p_alarm pumpjack.alarm, p_action text, OUT code text, OUT problem text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_hidden text := CASE p_alarm.state
        WHEN 'shelved' THEN format('it is shelved by %s until %s', p_alarm.shelved_by, pumpjack.utc_text(p_alarm.shelved_until))
        WHEN 'suppressed' THEN 'it is suppressed by design'
        WHEN 'out_of_service' THEN 'it is out of service' END;
BEGIN
    code := 'wrong_state';
    CASE p_action
        WHEN 'acknowledged' THEN
            IF v_hidden IS NOT NULL THEN
                problem := v_hidden || '; there is nothing to acknowledge until it shows again';
            ELSIF NOT p_alarm.acknowledged THEN
                code := NULL;
            ELSIF p_alarm.acknowledged_by IS NOT NULL THEN
                code := 'already';
                problem := format('already acknowledged by %s at %s',
                                  p_alarm.acknowledged_by, pumpjack.utc_text(p_alarm.acknowledged_at));
            ELSE
                problem := 'there is nothing to acknowledge';
            END IF;
        WHEN 'reset' THEN
            IF v_hidden IS NOT NULL THEN
                problem := v_hidden || '; it can be reset when it shows again';
            ELSIF p_alarm.active THEN
                problem := 'its condition is still active; it can be reset once that has returned';
            ELSIF p_alarm.latched THEN
                code := NULL;
            ELSE
                problem := 'it is not latched';
            END IF;
        WHEN 'shelved' THEN
            IF p_alarm.out_of_service THEN
                problem := 'it is out of service';
            ELSIF p_alarm.removed THEN
                problem := 'it is declared no more';
            ELSE
                code := NULL;
            END IF;
        WHEN 'unshelved' THEN
            IF p_alarm.shelved_until IS NULL THEN
                problem := 'it is not shelved';
            ELSE
                code := NULL;
            END IF;
        WHEN 'out_of_service' THEN
            IF p_alarm.out_of_service THEN
                problem := 'it is out of service already';
            ELSIF p_alarm.removed THEN
                problem := 'it is declared no more';
            ELSE
                code := NULL;
            END IF;
        WHEN 'in_service' THEN
            IF p_alarm.out_of_service THEN
                code := NULL;
            ELSE
                problem := 'it is in service';
            END IF;
    END CASE;
END
$$;

-- One action on many alarms, in the order given. p_versions: the version that the person saw, NULL for any.
CREATE FUNCTION pumpjack.act_on_alarms(
    p_tenant text, p_actor text, p_action text, p_alarms text[], p_versions bigint[], p_comment text, p_until timestamptz
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_head pumpjack.event_head;
    v_no bigint;
    v_wanted record;
    v pumpjack.alarm;
    v_found record;
    v_answer pumpjack.alarm_answer;
    v_done text[] := '{}';
    v_comment text := left(coalesce(p_comment, ''), 1024);
BEGIN
    IF coalesce(p_actor, '') = '' THEN
        RAISE EXCEPTION 'somebody has to act' USING ERRCODE = 'PJ030', HINT = 'Give the actor.';
    END IF;
    IF coalesce(cardinality(p_alarms), 0) NOT BETWEEN 1 AND 10000
       OR p_versions IS NOT NULL AND cardinality(p_versions) NOT IN (0, cardinality(p_alarms)) THEN
        RAISE EXCEPTION 'one call acts on 1 to 10,000 alarms, with a version for each or none'
            USING ERRCODE = 'PJ030', HINT = 'Name the alarms by their ids.';
    END IF;
    IF p_action IN ('shelved', 'out_of_service') AND btrim(v_comment) = '' THEN
        RAISE EXCEPTION 'the action needs a reason' USING ERRCODE = 'PJ030', HINT = 'Say why.';
    END IF;
    v_head := pumpjack.lock_head(p_tenant);
    v_no := v_head.event_no;
    FOR v_wanted IN
        SELECT w.alarm_id, p_versions[w.position] AS version
        FROM unnest(p_alarms) WITH ORDINALITY AS w (alarm_id, position) ORDER BY w.position
    LOOP
        v_answer := NULL;
        v_answer.alarm_id := v_wanted.alarm_id;
        v_answer.done := false;
        SELECT * INTO v FROM pumpjack.alarm AS a WHERE a.alarm_id = v_wanted.alarm_id AND a.tenant_id = p_tenant;
        IF NOT FOUND THEN
            v_answer.code := 'unknown';
            v_answer.problem := 'there is no such alarm';
            RETURN NEXT v_answer;
            CONTINUE;
        END IF;
        IF v.shelved_until <= clock_timestamp() THEN
            v_no := v_no + 1;
            v := pumpjack.end_shelving(v, v_no);
        END IF;
        v_found := pumpjack.alarm_problem(v, p_action);
        v_answer.code := v_found.code;
        v_answer.problem := v_found.problem;
        IF v_answer.code = 'already' THEN
            v_answer.by := v.acknowledged_by;
            v_answer.at := v.acknowledged_at;
        ELSIF v_answer.code IS NULL AND v_wanted.version <> v.version THEN
            v_answer.code := 'changed';
            v_answer.problem := format('it changed meanwhile; it is %s now', replace(v.state, '_', ' '));
        ELSIF v_answer.code IS NULL THEN
            v_no := v_no + 1;
            v := pumpjack.step_alarm(v, v_no, p_action, clock_timestamp(), p_actor, v_comment, v.value, '{}', p_until);
            v_answer.done := true;
            v_done := v_done || v.alarm_id;
        END IF;
        v_answer.version := v.version;
        v_answer.event_no := v.event_no;
        v_answer.state := v.state;
        RETURN NEXT v_answer;
    END LOOP;
    IF v_no > v_head.event_no THEN
        UPDATE pumpjack.event_head AS h SET event_no = v_no WHERE h.tenant_id = p_tenant;
    END IF;
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    VALUES (p_tenant, left(p_actor, 253), 'alarms.' || p_action,
            CASE cardinality(v_done) WHEN 0 THEN 'refused' WHEN cardinality(p_alarms) THEN 'done' ELSE 'partly' END,
            jsonb_strip_nulls(jsonb_build_object(
                'alarms', to_jsonb(v_done[:100]), 'done', cardinality(v_done), 'asked', cardinality(p_alarms),
                'comment', v_comment, 'until', pumpjack.utc_text(p_until))));
END
$$;

CREATE FUNCTION pumpjack.acknowledge_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_versions bigint[] DEFAULT NULL, p_comment text DEFAULT ''
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'acknowledged', p_alarms, p_versions, p_comment, NULL)
$$;

-- Until p_until, at most settings.shelve_hours from now.
CREATE FUNCTION pumpjack.shelve_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_until timestamptz, p_reason text, p_versions bigint[] DEFAULT NULL
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_hours integer;
BEGIN
    SELECT s.shelve_hours INTO v_hours FROM pumpjack.settings AS s;
    -- A minute's grace, for clocks that differ.
    IF p_until IS NULL OR p_until <= clock_timestamp()
       OR p_until > clock_timestamp() + make_interval(hours => v_hours, mins => 1) THEN
        RAISE EXCEPTION 'a shelving ends at some time within the next % hours', v_hours
            USING ERRCODE = 'PJ030', HINT = 'Give an end that is not past and not further away.';
    END IF;
    RETURN QUERY SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'shelved', p_alarms, p_versions, p_reason, p_until);
END
$$;

CREATE FUNCTION pumpjack.unshelve_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_comment text DEFAULT '', p_versions bigint[] DEFAULT NULL
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'unshelved', p_alarms, p_versions, p_comment, NULL)
$$;

CREATE FUNCTION pumpjack.out_of_service_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_reason text, p_versions bigint[] DEFAULT NULL
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'out_of_service', p_alarms, p_versions, p_reason, NULL)
$$;

CREATE FUNCTION pumpjack.in_service_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_comment text DEFAULT '', p_versions bigint[] DEFAULT NULL
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'in_service', p_alarms, p_versions, p_comment, NULL)
$$;

CREATE FUNCTION pumpjack.reset_alarms(
    p_tenant text, p_actor text, p_alarms text[], p_comment text DEFAULT '', p_versions bigint[] DEFAULT NULL
) RETURNS SETOF pumpjack.alarm_answer
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
    SELECT * FROM pumpjack.act_on_alarms(p_tenant, p_actor, 'reset', p_alarms, p_versions, p_comment, NULL)
$$;

-- End the shelvings whose time has come; returns how many.
CREATE FUNCTION pumpjack.end_shelvings(p_tenant text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_head pumpjack.event_head;
    v_no bigint;
    v pumpjack.alarm;
BEGIN
    IF NOT EXISTS (SELECT FROM pumpjack.alarm AS a
                   WHERE a.tenant_id = p_tenant AND a.shelved_until <= clock_timestamp()) THEN
        RETURN 0;
    END IF;
    v_head := pumpjack.lock_head(p_tenant);
    v_no := v_head.event_no;
    FOR v IN
        SELECT * FROM pumpjack.alarm AS a
        WHERE a.tenant_id = p_tenant AND a.shelved_until <= clock_timestamp() ORDER BY a.shelved_until, a.alarm_id
    LOOP
        v_no := v_no + 1;
        PERFORM pumpjack.end_shelving(v, v_no);
    END LOOP;
    UPDATE pumpjack.event_head AS h SET event_no = v_no WHERE h.tenant_id = p_tenant;
    RETURN v_no - v_head.event_no;
END
$$;

-- The connection's heartbeat stopped, or came back. changed: whether that was news. PJ002.
CREATE FUNCTION pumpjack.raise_comm_failure(
    p_tenant text, p_connection text, p_active boolean, p_at timestamptz, p_detail text DEFAULT '',
    OUT changed boolean, OUT alarm_id text, OUT version bigint, OUT event_no bigint, OUT state text
)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_connection integer;
    v_head pumpjack.event_head;
    v_no bigint;
    v pumpjack.alarm;
BEGIN
    SELECT c.connection_no INTO v_connection FROM pumpjack.connection AS c
    WHERE c.tenant_id = p_tenant AND c.connection_id = p_connection;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the connection % of the tenant % is not known', p_connection, p_tenant USING ERRCODE = 'PJ002';
    END IF;
    v_head := pumpjack.lock_head(p_tenant);
    v_no := v_head.event_no;
    alarm_id := pumpjack.alarm_id(p_tenant, p_connection, '', '', 'comm_failure');
    INSERT INTO pumpjack.alarm (alarm_id, tenant_id, connection_no, well_id, tag_name, condition, declared, priority,
                                message, response, since)
    VALUES (raise_comm_failure.alarm_id, p_tenant, v_connection, '', '', 'comm_failure', true, 2,
            'nothing is heard of the connection', 'look at the connection, its device and its worker', p_at)
    ON CONFLICT ON CONSTRAINT alarm_pkey DO NOTHING;
    SELECT * INTO v FROM pumpjack.alarm AS a WHERE a.alarm_id = raise_comm_failure.alarm_id;
    IF v.shelved_until <= clock_timestamp() THEN
        v_no := v_no + 1;
        v := pumpjack.end_shelving(v, v_no);
    END IF;
    changed := v.active <> p_active;
    IF changed THEN
        v_no := v_no + 1;
        v := pumpjack.step_alarm(v, v_no, CASE WHEN p_active THEN 'raised' ELSE 'returned' END, p_at,
                                 p_comment => left(coalesce(p_detail, ''), 1024));
    END IF;
    IF v_no > v_head.event_no THEN
        UPDATE pumpjack.event_head AS h SET event_no = v_no WHERE h.tenant_id = p_tenant;
    END IF;
    version := v.version; event_no := v.event_no; state := v.state;
END
$$;

-- Which gateway evaluates a tenant's heartbeats and ends its shelvings.
CREATE TABLE pumpjack.gateway_lease (
    tenant_id text PRIMARY KEY REFERENCES pumpjack.tenant,
    holder uuid NOT NULL,
    until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Take or keep the lease for so many seconds; 0 gives it back. Whether it is the holder's now.
CREATE FUNCTION pumpjack.take_lease(p_tenant text, p_holder uuid, p_seconds double precision) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
    IF p_seconds <= 0 THEN
        DELETE FROM pumpjack.gateway_lease AS l WHERE l.tenant_id = p_tenant AND l.holder = p_holder;
        RETURN false;
    END IF;
    INSERT INTO pumpjack.gateway_lease AS l (tenant_id, holder, until)
    SELECT t.tenant_id, p_holder, clock_timestamp() + make_interval(secs => least(p_seconds, 300))
    FROM pumpjack.tenant AS t WHERE t.tenant_id = p_tenant
    ON CONFLICT (tenant_id) DO UPDATE SET holder = EXCLUDED.holder, until = EXCLUDED.until
    WHERE l.holder = EXCLUDED.holder OR l.until <= clock_timestamp();
    RETURN FOUND;
END
$$;

GRANT EXECUTE ON FUNCTION
    pumpjack.acknowledge_alarms(text, text, text[], bigint[], text),
    pumpjack.shelve_alarms(text, text, text[], timestamptz, text, bigint[]),
    pumpjack.unshelve_alarms(text, text, text[], text, bigint[]),
    pumpjack.out_of_service_alarms(text, text, text[], text, bigint[]),
    pumpjack.in_service_alarms(text, text, text[], text, bigint[]),
    pumpjack.reset_alarms(text, text, text[], text, bigint[]),
    pumpjack.end_shelvings(text),
    pumpjack.raise_comm_failure(text, text, boolean, timestamptz, text),
    pumpjack.take_lease(text, uuid, double precision)
TO pumpjack_gateway;
