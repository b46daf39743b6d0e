-- The audit log as a chain: each row carries the hash of the one before it in its tenant, so that a row
-- that was changed, removed or cut off shows (core/pumpjack_core/storage/audit.py verifies it).
SET LOCAL ROLE pumpjack_owner;

ALTER TABLE pumpjack.audit_logs
    ADD COLUMN audit_no bigint,  -- 1, 2, 3 … in each tenant
    ADD COLUMN prev_hash bytea,  -- of the row before; 32 zero bytes for the first
    ADD COLUMN hash bytea;       -- SHA-256 of prev_hash and audit_text()

-- Where each tenant's chain ends.
CREATE TABLE pumpjack.audit_head (
    tenant_id text PRIMARY KEY,
    audit_no bigint NOT NULL,
    hash bytea NOT NULL
) WITH (fillfactor = 50);

-- What retention cut off: the number and hash of the last row that went. The cut is a row of the chain
-- itself, too, so that nobody makes one in silence.
CREATE TABLE pumpjack.audit_anchor (
    tenant_id text NOT NULL,
    audit_no bigint NOT NULL,
    hash bytea NOT NULL,
    cut_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, audit_no)
);

-- The row as the text that is hashed: each field with its length in bytes before it, so that no two rows
-- have the same text. The time is in microseconds since the epoch.
CREATE FUNCTION pumpjack.audit_text(
    p_tenant text, p_no bigint, p_at timestamptz, p_actor text, p_action text, p_outcome text, p_detail jsonb
) RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT string_agg(octet_length(convert_to(f.field, 'UTF8')) || ':' || f.field, '' ORDER BY f.position)
    FROM unnest(ARRAY[p_tenant, p_no::text, (extract(epoch FROM p_at) * 1000000)::bigint::text,
                      p_actor, p_action, p_outcome, p_detail::text]) WITH ORDINALITY AS f (field, position)
$$;

-- Whoever inserts: the row takes the next number of its tenant. The head's lock is the last that a
-- transaction takes, after connection, event_head, alarm and commands.
CREATE FUNCTION pumpjack.chain_audit() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_head pumpjack.audit_head;
BEGIN
    INSERT INTO pumpjack.audit_head AS h (tenant_id, audit_no, hash)
    VALUES (NEW.tenant_id, 0, decode(repeat('00', 32), 'hex'))
    ON CONFLICT (tenant_id) DO NOTHING;
    SELECT * INTO v_head FROM pumpjack.audit_head AS h WHERE h.tenant_id = NEW.tenant_id FOR NO KEY UPDATE;
    NEW.at := clock_timestamp();
    NEW.audit_no := v_head.audit_no + 1;
    NEW.prev_hash := v_head.hash;
    NEW.hash := sha256(NEW.prev_hash || convert_to(pumpjack.audit_text(
        NEW.tenant_id, NEW.audit_no, NEW.at, NEW.actor, NEW.action, NEW.outcome, NEW.detail), 'UTF8'));
    UPDATE pumpjack.audit_head AS h SET audit_no = NEW.audit_no, hash = NEW.hash WHERE h.tenant_id = NEW.tenant_id;
    RETURN NEW;
END
$$;

-- What was written before there was a chain is its beginning.
DO $$
DECLARE
    v_row pumpjack.audit_logs;
    v_tenant text := '';
    v_no bigint;
    v_hash bytea;
BEGIN
    FOR v_row IN SELECT * FROM pumpjack.audit_logs ORDER BY tenant_id, audit_id LOOP
        IF v_row.tenant_id <> v_tenant THEN
            v_tenant := v_row.tenant_id; v_no := 0; v_hash := decode(repeat('00', 32), 'hex');
        END IF;
        v_no := v_no + 1;
        v_row.prev_hash := v_hash;
        v_hash := sha256(v_hash || convert_to(pumpjack.audit_text(
            v_row.tenant_id, v_no, v_row.at, v_row.actor, v_row.action, v_row.outcome, v_row.detail), 'UTF8'));
        UPDATE pumpjack.audit_logs SET audit_no = v_no, prev_hash = v_row.prev_hash, hash = v_hash
        WHERE audit_id = v_row.audit_id;
        INSERT INTO pumpjack.audit_head AS h (tenant_id, audit_no, hash) VALUES (v_tenant, v_no, v_hash)
        ON CONFLICT (tenant_id) DO UPDATE SET audit_no = EXCLUDED.audit_no, hash = EXCLUDED.hash;
    END LOOP;
END
$$;

ALTER TABLE pumpjack.audit_logs
    ALTER COLUMN audit_no SET NOT NULL,
    ALTER COLUMN prev_hash SET NOT NULL,
    ALTER COLUMN hash SET NOT NULL;
CREATE UNIQUE INDEX audit_logs_by_number ON pumpjack.audit_logs (tenant_id, audit_no);
CREATE TRIGGER chain BEFORE INSERT ON pumpjack.audit_logs
    FOR EACH ROW EXECUTE FUNCTION pumpjack.chain_audit();

-- The ends of all chains, for whoever logs them elsewhere: hash in 64 hex digits, and when the last row was written.
CREATE FUNCTION pumpjack.audit_heads() RETURNS TABLE (tenant_id text, audit_no bigint, hash text, at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $$
    SELECT h.tenant_id, h.audit_no, encode(h.hash, 'hex'), a.at
    FROM pumpjack.audit_head AS h
    LEFT JOIN pumpjack.audit_logs AS a ON a.tenant_id = h.tenant_id AND a.audit_no = h.audit_no
    ORDER BY h.tenant_id
$$;

-- Remove the first rows of a tenant, at most so many, that are older than this, if there are any that are a day
-- older still: one cut a day where they are few. Returns how many went; none while somebody holds the head.
CREATE FUNCTION pumpjack.cut_audit(p_tenant text, p_until timestamptz, p_most integer) RETURNS integer
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_no bigint;
    v_hash bytea;
    v_rows integer;
BEGIN
    IF NOT EXISTS (
        SELECT FROM (SELECT a.at FROM pumpjack.audit_logs AS a WHERE a.tenant_id = p_tenant
                     ORDER BY a.audit_no LIMIT 1) AS oldest
        WHERE oldest.at < p_until - interval '1 day') THEN
        RETURN 0;
    END IF;
    PERFORM FROM pumpjack.audit_head AS h WHERE h.tenant_id = p_tenant FOR NO KEY UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    -- The clock may have jumped: only what lies before every row that stays.
    SELECT o.audit_no, o.hash INTO v_no, v_hash
    FROM (SELECT f.audit_no, f.hash, bool_and(f.at < p_until) OVER (ORDER BY f.audit_no) AS goes
          FROM (SELECT a.audit_no, a.hash, a.at FROM pumpjack.audit_logs AS a WHERE a.tenant_id = p_tenant
                ORDER BY a.audit_no LIMIT p_most) AS f) AS o
    WHERE o.goes ORDER BY o.audit_no DESC LIMIT 1;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM pumpjack.audit_logs AS a WHERE a.tenant_id = p_tenant AND a.audit_no <= v_no;
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    INSERT INTO pumpjack.audit_anchor (tenant_id, audit_no, hash) VALUES (p_tenant, v_no, v_hash);
    INSERT INTO pumpjack.audit_logs (tenant_id, actor, action, outcome, detail)
    VALUES (p_tenant, 'pumpjack_maintain', 'audit.cut', 'done', jsonb_build_object(
        'auditNo', v_no, 'hash', encode(v_hash, 'hex'), 'rows', v_rows));
    RETURN v_rows;
END
$$;

GRANT EXECUTE ON FUNCTION pumpjack.audit_heads() TO pumpjack_gateway, pumpjack_operator, pumpjack_maintain;
GRANT SELECT ON pumpjack.audit_logs, pumpjack.audit_head, pumpjack.audit_anchor TO pumpjack_operator;
