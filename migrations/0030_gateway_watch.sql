-- What the gateways watch and send on: connections whose silence is an alarm, and how far each webhook came.
SET LOCAL ROLE pumpjack_owner;

-- When it was deleted. A worker that starts again afterwards takes it back into service.
ALTER TABLE pumpjack.connection ADD COLUMN retired_at timestamptz;

-- The connection was deleted on purpose: its silence is no failure. False when it is not known.
CREATE FUNCTION pumpjack.retire_connection(p_tenant text, p_connection text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
    UPDATE pumpjack.connection AS c SET retired_at = now()
    WHERE c.tenant_id = p_tenant AND c.connection_id = p_connection;
    RETURN FOUND;
END
$$;

-- Connections that had a worker. drained: every journal of it ended with nothing left in it.
CREATE FUNCTION pumpjack.watched_connections() RETURNS TABLE (
    tenant_id text, connection_id text, retired boolean, drained boolean
)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT c.tenant_id, c.connection_id, coalesce(c.retired_at >= c.started_at, false),
           NOT EXISTS (SELECT FROM pumpjack.ingest_cursor AS j
                       WHERE j.connection_no = c.connection_no AND j.drained_at IS NULL)
    FROM pumpjack.connection AS c
    WHERE c.fence > 0
    ORDER BY c.tenant_id, c.connection_id
$$;

-- Tenants of which a shelving is over. Nothing is locked, so that one tenant cannot keep it from the others.
CREATE FUNCTION pumpjack.ended_shelvings() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT DISTINCT a.tenant_id FROM pumpjack.alarm AS a WHERE a.shelved_until <= clock_timestamp()
$$;

-- How far each webhook has sent its tenant's events.
CREATE TABLE pumpjack.webhook (
    tenant_id text NOT NULL REFERENCES pumpjack.tenant,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 63),
    event_no bigint NOT NULL,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, name)
) WITH (fillfactor = 50);

-- Where a webhook goes on. One that is new begins with what happens from now on.
CREATE FUNCTION pumpjack.webhook_position(p_tenant text, p_name text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    v_position bigint;
BEGIN
    INSERT INTO pumpjack.webhook (tenant_id, name, event_no)
    SELECT t.tenant_id, p_name, coalesce((SELECT h.event_no FROM pumpjack.event_head AS h WHERE h.tenant_id = p_tenant), 0)
    FROM pumpjack.tenant AS t WHERE t.tenant_id = p_tenant
    ON CONFLICT DO NOTHING;
    SELECT w.event_no INTO v_position FROM pumpjack.webhook AS w WHERE w.tenant_id = p_tenant AND w.name = p_name;
    RETURN v_position;
END
$$;

-- The events up to p_to were taken. False when the position is not at p_from any more: somebody else sends.
CREATE FUNCTION pumpjack.move_webhook(p_tenant text, p_name text, p_from bigint, p_to bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET lock_timeout = '5s' AS $$
BEGIN
    UPDATE pumpjack.webhook AS w SET event_no = p_to, moved_at = now()
    WHERE w.tenant_id = p_tenant AND w.name = p_name AND w.event_no = p_from;
    RETURN FOUND;
END
$$;

REVOKE EXECUTE ON FUNCTION
    pumpjack.retire_connection(text, text),
    pumpjack.watched_connections(),
    pumpjack.ended_shelvings(),
    pumpjack.webhook_position(text, text),
    pumpjack.move_webhook(text, text, bigint, bigint)
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pumpjack.retire_connection(text, text) TO pumpjack_operator;
GRANT EXECUTE ON FUNCTION
    pumpjack.watched_connections(),
    pumpjack.ended_shelvings(),
    pumpjack.webhook_position(text, text),
    pumpjack.move_webhook(text, text, bigint, bigint)
TO pumpjack_gateway;
