-- Alarms after ISA-18.2: what is (alarm) and what happened (events). One function, step_alarm(), changes
-- an alarm, and appends an event each time.
--
-- Locks are taken in this order: connection, event_head, alarm and commands, audit_head. Whoever changes
-- an alarm holds its tenant's row of event_head.
SET LOCAL ROLE pumpjack_owner;

-- The numbers that a tenant used last: of events, and of changes to commands. No holes.
CREATE TABLE pumpjack.event_head (
    tenant_id text PRIMARY KEY REFERENCES pumpjack.tenant,
    event_no bigint NOT NULL DEFAULT 0,
    change_no bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE pumpjack.alarm (
    alarm_id text PRIMARY KEY CHECK (length(alarm_id) = 32),
    tenant_id text NOT NULL REFERENCES pumpjack.tenant,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    -- Both are empty for comm_failure, which is the connection's.
    well_id text NOT NULL CHECK (length(well_id) <= 253),
    tag_name text NOT NULL CHECK (length(tag_name) <= 253),
    condition text NOT NULL CHECK (condition IN (
        'hihi', 'hi', 'lo', 'lolo', 'rate', 'deviation', 'state', 'bad_quality', 'stale', 'comm_failure')),
    -- As declared. removed: it was declared once and is no more.
    declared boolean NOT NULL DEFAULT false,
    removed boolean NOT NULL DEFAULT false,
    priority smallint NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 4),
    "limit" double precision,
    per_s double precision,
    from_tag text NOT NULL DEFAULT '',
    states integer[] NOT NULL DEFAULT '{}',
    deadband double precision NOT NULL DEFAULT 0,
    on_delay_s double precision NOT NULL DEFAULT 0,
    off_delay_s double precision NOT NULL DEFAULT 0,
    latch boolean NOT NULL DEFAULT false,
    message text NOT NULL DEFAULT '',
    consequence text NOT NULL DEFAULT '',
    response text NOT NULL DEFAULT '',
    -- As it is now.
    active boolean NOT NULL DEFAULT false,
    acknowledged boolean NOT NULL DEFAULT true,
    latched boolean NOT NULL DEFAULT false,
    suppressed boolean NOT NULL DEFAULT false,
    out_of_service boolean NOT NULL DEFAULT false,
    shelved_until timestamptz,
    shelved_by text,
    state text NOT NULL DEFAULT 'normal',
    since timestamptz NOT NULL DEFAULT now(),
    active_since timestamptz,
    value double precision,
    acknowledged_by text,
    acknowledged_at timestamptz,
    comment text NOT NULL DEFAULT '',
    version bigint NOT NULL DEFAULT 0,
    event_no bigint NOT NULL DEFAULT 0,
    -- Of the last transition: source time [µs since the epoch], who told it.
    last_us bigint NOT NULL DEFAULT 0,
    journal_id uuid,
    fence bigint NOT NULL DEFAULT 0,
    made_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX alarm_by_name ON pumpjack.alarm (connection_no, well_id, tag_name, condition);
CREATE INDEX alarm_by_tenant ON pumpjack.alarm (tenant_id, well_id);
CREATE INDEX alarm_not_normal ON pumpjack.alarm (tenant_id) WHERE state <> 'normal';
CREATE INDEX alarm_shelved ON pumpjack.alarm (tenant_id, shelved_until) WHERE shelved_until IS NOT NULL;

CREATE TABLE pumpjack.events (
    tenant_id text NOT NULL,
    event_no bigint NOT NULL,
    alarm_id text NOT NULL REFERENCES pumpjack.alarm,
    at timestamptz NOT NULL,  -- when it happened, by the source's clock where it has one
    recorded_at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN (
        'raised', 'returned', 'acknowledged', 'shelved', 'unshelved', 'suppressed', 'unsuppressed',
        'out_of_service', 'in_service', 'reset', 'removed')),
    actor text NOT NULL,  -- empty: nobody, the process did it
    comment text NOT NULL,
    value double precision,
    "limit" double precision,
    priority smallint NOT NULL,
    -- Past events that change nothing any more say why: late, or removed.
    detail jsonb NOT NULL,
    state text NOT NULL,  -- the alarm's, afterwards
    PRIMARY KEY (tenant_id, event_no)
);
CREATE INDEX events_by_alarm ON pumpjack.events (alarm_id, event_no);
CREATE INDEX events_by_time ON pumpjack.events (tenant_id, at, event_no);

ALTER TABLE pumpjack.settings
    ADD COLUMN event_days integer NOT NULL DEFAULT 730 CHECK (event_days >= 1),
    ADD COLUMN shelve_hours integer NOT NULL DEFAULT 8 CHECK (shelve_hours BETWEEN 1 AND 720);

-- A time for people and for the audit: 2026-11-22T14:32:07Z.
CREATE FUNCTION pumpjack.utc_text(p_at timestamptz) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
$$;

-- The alarm's name everywhere: 32 hex digits. Same as pumpjack_core.alarms.alarm_id.
CREATE FUNCTION pumpjack.alarm_id(p_tenant text, p_connection text, p_well text, p_tag text, p_condition text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp AS $$
    SELECT left(encode(sha256(
        convert_to(p_tenant, 'UTF8') || '\x00'::bytea || convert_to(p_connection, 'UTF8') || '\x00'::bytea
        || convert_to(p_well, 'UTF8') || '\x00'::bytea || convert_to(p_tag, 'UTF8') || '\x00'::bytea
        || convert_to(p_condition, 'UTF8')), 'hex'), 32)
$$;

CREATE FUNCTION pumpjack.alarm_state(
    active boolean, acknowledged boolean, latched boolean,
    shelved boolean, suppressed boolean, out_of_service boolean, removed boolean
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN removed THEN 'normal'
        WHEN out_of_service THEN 'out_of_service'
        WHEN suppressed THEN 'suppressed'
        WHEN shelved THEN 'shelved'
        WHEN active THEN CASE WHEN acknowledged THEN 'acknowledged' ELSE 'unacknowledged' END
        WHEN latched THEN CASE WHEN acknowledged THEN 'latched_acknowledged' ELSE 'latched_unacknowledged' END
        WHEN NOT acknowledged THEN 'returned_unacknowledged'
        ELSE 'normal' END
$$;

-- Lock the tenant's event head; everything that changes alarms or commands goes through here. PJ001.
CREATE FUNCTION pumpjack.lock_head(p_tenant text) RETURNS pumpjack.event_head
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v_head pumpjack.event_head;
BEGIN
    LOOP
        SELECT * INTO v_head FROM pumpjack.event_head AS h WHERE h.tenant_id = p_tenant FOR NO KEY UPDATE;
        IF FOUND THEN
            RETURN v_head;
        END IF;
        IF NOT EXISTS (SELECT FROM pumpjack.tenant AS t WHERE t.tenant_id = p_tenant) THEN
            RAISE EXCEPTION 'the tenant % is not known', p_tenant
                USING ERRCODE = 'PJ001', HINT = 'Set the tenant up first; ensure_tenant makes it.';
        END IF;
        INSERT INTO pumpjack.event_head (tenant_id) VALUES (p_tenant) ON CONFLICT DO NOTHING;
    END LOOP;
END
$$;

-- Append an event, and nothing else.
CREATE FUNCTION pumpjack.note_event(
    p_alarm pumpjack.alarm, p_event_no bigint, p_kind text, p_at timestamptz,
    p_actor text, p_comment text, p_value double precision, p_detail jsonb
) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO pumpjack.events (tenant_id, event_no, alarm_id, at, recorded_at, kind, actor, comment,
                                 value, "limit", priority, detail, state)
    VALUES (p_alarm.tenant_id, p_event_no, p_alarm.alarm_id, p_at, clock_timestamp(), p_kind, p_actor, p_comment,
            p_value, p_alarm."limit", p_alarm.priority, p_detail, p_alarm.state)
$$;

-- Change an alarm by one event: p_kind as in events, p_until the end of a shelving. p_event_no is the
-- number that the event gets; the caller holds the head. Returns the alarm as it is then.
--
-- An alarm is hidden while it is out of service, suppressed or shelved. What is raised while hidden needs
-- no acknowledgement; what is still active, or latched, when it shows again does, even if it had one.
CREATE FUNCTION pumpjack.step_alarm(
    p_alarm pumpjack.alarm, p_event_no bigint, p_kind text, p_at timestamptz,
    p_actor text DEFAULT '', p_comment text DEFAULT '', p_value double precision DEFAULT NULL,
    p_detail jsonb DEFAULT '{}', p_until timestamptz DEFAULT NULL
) RETURNS pumpjack.alarm
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    v pumpjack.alarm := p_alarm;
    v_hidden boolean := p_alarm.suppressed OR p_alarm.out_of_service OR p_alarm.shelved_until IS NOT NULL;
    v_anew boolean := false;
BEGIN
    CASE p_kind
        WHEN 'raised' THEN
            v.active := true; v.active_since := p_at; v.value := p_value; v.latched := v.latched OR v.latch;
            v_anew := NOT v_hidden;
        WHEN 'returned' THEN v.active := false; v.value := p_value;
        WHEN 'acknowledged' THEN
            v.acknowledged := true; v.acknowledged_by := p_actor; v.acknowledged_at := p_at; v.comment := p_comment;
        WHEN 'reset' THEN v.latched := false;
        WHEN 'shelved' THEN v.shelved_until := p_until; v.shelved_by := p_actor; v.comment := p_comment;
        WHEN 'unshelved' THEN v.shelved_until := NULL; v.shelved_by := NULL;
        WHEN 'suppressed' THEN v.suppressed := true;
        WHEN 'unsuppressed' THEN v.suppressed := false;
        WHEN 'out_of_service' THEN v.out_of_service := true; v.comment := p_comment;
        WHEN 'in_service' THEN v.out_of_service := false;
        WHEN 'removed' THEN
            v.removed := true; v.active := false; v.acknowledged := true; v.latched := false;
            v.suppressed := false; v.out_of_service := false; v.shelved_until := NULL; v.shelved_by := NULL;
    END CASE;
    IF v_hidden AND NOT (v.suppressed OR v.out_of_service OR v.shelved_until IS NOT NULL) THEN
        v_anew := v.active OR v.latched;
    END IF;
    IF v_anew THEN
        v.acknowledged := false; v.acknowledged_by := NULL; v.acknowledged_at := NULL; v.comment := '';
    END IF;
    v.state := pumpjack.alarm_state(v.active, v.acknowledged, v.latched, v.shelved_until IS NOT NULL,
                                    v.suppressed, v.out_of_service, v.removed);
    IF v.state <> p_alarm.state THEN
        v.since := p_at;
    END IF;
    v.version := v.version + 1;
    v.event_no := p_event_no;
    PERFORM pumpjack.note_event(v, p_event_no, p_kind, p_at, p_actor, p_comment, p_value, p_detail);
    UPDATE pumpjack.alarm AS a
       SET removed = v.removed, active = v.active, acknowledged = v.acknowledged, latched = v.latched,
           suppressed = v.suppressed, out_of_service = v.out_of_service, shelved_until = v.shelved_until,
           shelved_by = v.shelved_by, state = v.state, since = v.since, active_since = v.active_since,
           value = v.value, acknowledged_by = v.acknowledged_by, acknowledged_at = v.acknowledged_at,
           comment = v.comment, version = v.version, event_no = v.event_no
     WHERE a.alarm_id = v.alarm_id;
    RETURN v;
END
$$;

-- End a shelving whose time has come.
CREATE FUNCTION pumpjack.end_shelving(p_alarm pumpjack.alarm, p_event_no bigint) RETURNS pumpjack.alarm
LANGUAGE sql
SET search_path = pg_catalog, pg_temp AS $$
    SELECT pumpjack.step_alarm(p_alarm, p_event_no, 'unshelved', p_alarm.shelved_until, p_detail => '{"ended": true}')
$$;
