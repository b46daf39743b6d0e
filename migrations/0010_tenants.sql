-- Onboarding of tenants. pumpjack_tenants owns the function, so that nothing else of ours can make
-- roles. Role names are hashes: PostgreSQL cuts names at 63 bytes, and two long tenant ids that
-- begin alike must not meet.
SET LOCAL ROLE pumpjack_owner;
GRANT SELECT, INSERT ON pumpjack.tenant TO pumpjack_tenants;

CREATE FUNCTION pumpjack.role_prefix(p_tenant text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT 'pj_' || left(encode(sha256(convert_to(p_tenant, 'UTF8')), 'hex'), 20)
$$;
GRANT EXECUTE ON FUNCTION pumpjack.role_prefix(text) TO pumpjack_tenants, pumpjack_operator;

RESET ROLE;
SET LOCAL ROLE pumpjack_tenants;

-- Make the tenant and its two roles where they are missing. p_password is the writer's: plain, or
-- better a SCRAM verifier; NULL leaves it as it is.
CREATE FUNCTION pumpjack.ensure_tenant(p_tenant text, p_password text DEFAULT NULL) RETURNS void
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
        EXECUTE format('ALTER ROLE %I PASSWORD %L', v_writer, p_password);
    END IF;
    INSERT INTO pumpjack.tenant (tenant_id, writer_role, reader_role)
    VALUES (p_tenant, v_writer, v_reader)
    ON CONFLICT (tenant_id) DO NOTHING;
END
$$;
REVOKE EXECUTE ON FUNCTION pumpjack.ensure_tenant(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.ensure_tenant(text, text) TO pumpjack_operator;

-- It was needed to own the function.
RESET ROLE;
SET LOCAL ROLE pumpjack_owner;
REVOKE CREATE ON SCHEMA pumpjack FROM pumpjack_tenants;
