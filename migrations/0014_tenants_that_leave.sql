-- A tenant that leaves, and one whose login is renewed: who was let in before is let out again.
-- What they stored stays, and so does the role that reads it.
SET LOCAL ROLE pumpjack_owner;
GRANT CREATE ON SCHEMA pumpjack TO pumpjack_tenants;
RESET ROLE;
SET LOCAL ROLE pumpjack_tenants;

-- As in 0010, and a tenant that had left may log in again once it is given a password.
CREATE OR REPLACE FUNCTION pumpjack.ensure_tenant(p_tenant text, p_password text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_writer text := pumpjack.role_prefix(p_tenant) || '_w';
    v_reader text := pumpjack.role_prefix(p_tenant) || '_r';
    v_role text;
BEGIN
    FOREACH v_role IN ARRAY ARRAY[v_writer, v_reader] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION INHERIT %s',
                               v_role, CASE v_role WHEN v_writer THEN 'LOGIN' ELSE 'NOLOGIN' END);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another caller was quicker
            END;
        END IF;
        IF NOT has_database_privilege(v_role, current_database(), 'CONNECT') THEN
            EXECUTE format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), v_role);
        END IF;
    END LOOP;
    IF NOT pg_has_role(v_writer, 'pumpjack_writer', 'USAGE') THEN
        EXECUTE format('GRANT pumpjack_writer TO %I WITH INHERIT TRUE, SET FALSE', v_writer);
    END IF;
    IF NOT pg_has_role(v_reader, 'pumpjack_reader', 'USAGE') THEN
        EXECUTE format('GRANT pumpjack_reader TO %I WITH INHERIT TRUE, SET FALSE', v_reader);
    END IF;
    IF NOT pg_has_role('pumpjack_gateway', v_reader, 'SET') THEN
        EXECUTE format('GRANT %I TO pumpjack_gateway WITH INHERIT FALSE, SET TRUE', v_reader);
    END IF;
    IF p_password IS NOT NULL THEN
        EXECUTE format('ALTER ROLE %I LOGIN PASSWORD %L', v_writer, p_password);
    END IF;
    INSERT INTO pumpjack.tenant (tenant_id, writer_role, reader_role)
    VALUES (p_tenant, v_writer, v_reader)
    ON CONFLICT (tenant_id) DO NOTHING;
END
$$;

-- Nobody logs in as the tenant's writer any more. Sessions that are open stay; see end_sessions,
-- which must come in another transaction: until this one ends, another session may begin.
CREATE FUNCTION pumpjack.close_tenant(p_tenant text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_writer text := pumpjack.role_prefix(p_tenant) || '_w';
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = v_writer) THEN
        EXECUTE format('ALTER ROLE %I NOLOGIN PASSWORD NULL', v_writer);
    END IF;
END
$$;

-- End the sessions of the tenant's writer that began longer ago than this; returns how many.
CREATE FUNCTION pumpjack.end_sessions(p_tenant text, p_older_than interval) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_writer text := pumpjack.role_prefix(p_tenant) || '_w';
    v_ended integer;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = v_writer) THEN
        RETURN 0;
    END IF;
    -- Whose sessions one may end and see the age of, one has to be. It is taken back at once.
    EXECUTE format('GRANT %I TO pumpjack_tenants WITH INHERIT TRUE, SET FALSE', v_writer);
    SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid)) INTO v_ended
    FROM pg_stat_activity AS a
    WHERE a.usename = v_writer AND a.backend_start <= clock_timestamp() - p_older_than;
    EXECUTE format('REVOKE %I FROM pumpjack_tenants GRANTED BY pumpjack_tenants', v_writer);
    RETURN v_ended;
END
$$;

REVOKE EXECUTE ON FUNCTION pumpjack.close_tenant(text), pumpjack.end_sessions(text, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.close_tenant(text), pumpjack.end_sessions(text, interval) TO pumpjack_operator;

RESET ROLE;
SET LOCAL ROLE pumpjack_owner;
REVOKE CREATE ON SCHEMA pumpjack FROM pumpjack_tenants;
