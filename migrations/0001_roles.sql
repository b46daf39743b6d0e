-- Roles and the borders of the database. Runs as the login that migrates; the other files begin
-- with SET LOCAL ROLE pumpjack_owner. Roles belong to the whole server, so each may exist already.
--
--   pumpjack_owner     owns every object; SECURITY DEFINER functions run as it, never as a superuser
--   pumpjack_tenants   may create tenants' roles; owns the one function that does
--   pumpjack_writer    what every tenant's …_w may do
--   pumpjack_reader    what every tenant's …_r may do
--   pumpjack_gateway   login of the gateway: takes on one tenant's …_r a transaction
--   pumpjack_maintain  login of `pumpjack maintain`
--   pumpjack_operator  login of whoever onboards tenants

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN
        SELECT * FROM (VALUES
            ('pumpjack_owner', 'NOLOGIN'),
            ('pumpjack_tenants', 'NOLOGIN CREATEROLE'),
            ('pumpjack_writer', 'NOLOGIN'),
            ('pumpjack_reader', 'NOLOGIN'),
            ('pumpjack_gateway', 'LOGIN NOINHERIT'),
            ('pumpjack_maintain', 'LOGIN'),
            ('pumpjack_operator', 'LOGIN')
        ) AS role (name, options)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted.name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I %s', wanted.name, wanted.options);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- a migration of another database on this server was quicker
            END;
        END IF;
    END LOOP;
    IF current_setting('pumpjack.level') = 'community' THEN
        -- TimescaleDB runs policies only for an owner that could log in. It has no password.
        ALTER ROLE pumpjack_owner LOGIN;
    END IF;
    -- A superuser may do anything; another login that migrates also works with what the two own:
    -- it records migrations, reads the settings and onboards tenants.
    IF NOT (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
        EXECUTE format('GRANT pumpjack_owner, pumpjack_tenants TO %I WITH INHERIT TRUE, SET TRUE', current_user);
    END IF;
END
$$;

-- ensure_tenant hands these on.
GRANT pumpjack_writer, pumpjack_reader TO pumpjack_tenants WITH ADMIN TRUE, INHERIT FALSE, SET FALSE;

-- Without a place to create anything, a tenant's login has nothing to smuggle its own code in with:
-- no temporary tables, no objects in any schema.
DO $$
DECLARE
    here text := current_database();
    place text;
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', here);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO pumpjack_tenants WITH GRANT OPTION', here);
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO pumpjack_gateway, pumpjack_maintain, pumpjack_operator', here);
    EXECUTE format('GRANT CREATE ON DATABASE %I TO pumpjack_owner', here);
    -- For people at a prompt; our own code names the schema each time.
    EXECUTE format('ALTER DATABASE %I SET search_path = pumpjack, public', here);
    FOR place IN
        SELECT n.nspname
        FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
          AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', place);
    END LOOP;
    -- The server's own databases, when we may. Those of other programs are theirs to close:
    -- `pumpjack migrate` names them.
    FOR place IN
        SELECT d.datname
        FROM pg_catalog.pg_database AS d
        WHERE d.datname IN ('postgres', 'template1') AND d.datname <> here
          AND pg_catalog.pg_has_role(d.datdba, 'USAGE')
          AND pg_catalog.has_database_privilege('pumpjack_writer', d.oid, 'CONNECT')
    LOOP
        EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', place);
    END LOOP;
END
$$;

ALTER SCHEMA pumpjack OWNER TO pumpjack_owner;
DO $$
BEGIN
    -- It was needed to hand the schema over.
    EXECUTE format('REVOKE CREATE ON DATABASE %I FROM pumpjack_owner', current_database());
END
$$;
SET LOCAL ROLE pumpjack_owner;
REVOKE ALL ON SCHEMA pumpjack FROM PUBLIC;
GRANT USAGE ON SCHEMA pumpjack
    TO pumpjack_writer, pumpjack_reader, pumpjack_gateway, pumpjack_maintain, pumpjack_operator;
GRANT USAGE, CREATE ON SCHEMA pumpjack TO pumpjack_tenants;
-- PostgreSQL lets everyone execute a new function; ours are granted one by one.
ALTER DEFAULT PRIVILEGES FOR ROLE pumpjack_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
