-- What a worker tells of a command is kept only as far as it can be what it is meant to be: screens of
-- everybody, the audit log and the gateways read it.
SET LOCAL ROLE pumpjack_owner;

-- The known keys with a value of their type. A number is one that a double can be; else it is null.
CREATE FUNCTION pumpjack.told_of_command(p_detail jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT coalesce(jsonb_object_agg(t.key, t.value), '{}')
    FROM (SELECT d.key, CASE
              WHEN d.key IN ('message', 'problem') AND jsonb_typeof(d.value) = 'string'
                  THEN to_jsonb(left(d.value #>> '{}', 1024))
              WHEN d.key IN ('written', 'read') THEN CASE
                  WHEN jsonb_typeof(d.value) <> 'number' THEN 'null'
                  -- 17 digits and an exponent need 25 characters; numeric writes the zeros out
                  WHEN abs((d.value #>> '{}')::numeric) >= 1.7e308 THEN 'null'
                  WHEN abs((d.value #>> '{}')::numeric) < 1e-300 THEN '0'
                  ELSE to_jsonb((d.value #>> '{}')::double precision) END
              WHEN d.key IN ('rounded', 'unanswered', 'recovered') AND jsonb_typeof(d.value) = 'boolean'
                  THEN d.value
              END AS value
          FROM jsonb_each(p_detail) AS d (key, value)) AS t
    WHERE t.value IS NOT NULL
$$;
REVOKE EXECUTE ON FUNCTION pumpjack.told_of_command(jsonb) FROM PUBLIC;

-- As in 0025, and of the detail only what told_of_command() leaves. PJ004 where it is no object, or too long.
CREATE OR REPLACE FUNCTION pumpjack.tell_command(p_command uuid, p_state text, p_detail jsonb DEFAULT '{}')
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_tenant text := pumpjack.session_tenant();
    v_detail jsonb := coalesce(p_detail, '{}');
    v pumpjack.commands;
BEGIN
    IF p_state IS NULL OR p_state NOT IN ('accepted', 'verified', 'mismatch', 'timeout', 'refused') THEN
        RAISE EXCEPTION 'a worker tells accepted, verified, mismatch, timeout or refused, not %', left(p_state, 63)
            USING ERRCODE = 'PJ004';
    END IF;
    IF jsonb_typeof(v_detail) <> 'object' OR pg_column_size(v_detail) > 65536 THEN
        RAISE EXCEPTION 'a worker tells of a command by an object of at most 64 KiB' USING ERRCODE = 'PJ004';
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
    PERFORM pumpjack.step_command(v, p_state, 'worker', pumpjack.told_of_command(v_detail));
    RETURN true;
END
$$;
