-- The tables that are the same at each level.
SET LOCAL ROLE pumpjack_owner;

-- One row. Level is what the database was migrated as; the rest may be changed at any time,
-- `pumpjack maintain` applies it.
CREATE TABLE pumpjack.settings (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    level text NOT NULL CHECK (level IN ('plain', 'apache', 'community')),
    -- Readings older than raw_days - 2 are quarantined as too old: their hour could be dropped
    -- before it was rolled up.
    raw_days integer NOT NULL DEFAULT 90 CHECK (raw_days BETWEEN 4 AND 36500),
    aggregate_days integer NOT NULL DEFAULT 730 CHECK (aggregate_days BETWEEN 4 AND 36500),
    compress_after_days integer NOT NULL DEFAULT 7 CHECK (compress_after_days >= 1),
    quarantine_days integer NOT NULL DEFAULT 30 CHECK (quarantine_days >= 1),
    quarantine_rows integer NOT NULL DEFAULT 100000 CHECK (quarantine_rows >= 0),
    audit_days integer NOT NULL DEFAULT 730 CHECK (audit_days >= 1)
);

INSERT INTO pumpjack.settings (level) VALUES (current_setting('pumpjack.level'));

CREATE TABLE pumpjack.tenant (
    tenant_id text PRIMARY KEY CHECK (length(tenant_id) BETWEEN 1 AND 253),
    writer_role name NOT NULL UNIQUE,
    reader_role name NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE pumpjack.connection (
    connection_no integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id text NOT NULL REFERENCES pumpjack.tenant,
    connection_id text NOT NULL CHECK (length(connection_id) BETWEEN 1 AND 512),
    protocol text NOT NULL CHECK (length(protocol) <= 63),
    -- Whoever holds a smaller number was replaced.
    fence bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant_id, connection_id)
) WITH (fillfactor = 50);  -- locked once a batch

CREATE TABLE pumpjack.well (
    tenant_id text NOT NULL REFERENCES pumpjack.tenant,
    well_id text NOT NULL CHECK (length(well_id) BETWEEN 1 AND 253),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, well_id)
);

-- A change of unit or data type is another series, so that history is never relabelled.
CREATE TABLE pumpjack.series (
    tag_id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    tenant_id text NOT NULL,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    well_id text NOT NULL,
    tag_name text NOT NULL CHECK (length(tag_name) BETWEEN 1 AND 253),
    unit text NOT NULL CHECK (length(unit) <= 63),
    data_type text NOT NULL CHECK (length(data_type) <= 63),
    valid_from timestamptz NOT NULL DEFAULT now(),
    -- The last time a worker claimed it; of several series of a tag the newest is the current one.
    registered_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connection_no, well_id, tag_name, unit, data_type),
    FOREIGN KEY (tenant_id, well_id) REFERENCES pumpjack.well
);
CREATE INDEX series_by_name ON pumpjack.series (tenant_id, well_id, tag_name);

-- Moves on in the transaction that stores the batches: what makes storing exactly once.
CREATE TABLE pumpjack.ingest_cursor (
    journal_id uuid PRIMARY KEY,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    seq bigint NOT NULL DEFAULT 0,
    -- Newest time that this journal stored [µs since the epoch]: a batch beyond it needs no search
    -- for duplicates.
    newest_us bigint NOT NULL DEFAULT 0,
    opened_at timestamptz NOT NULL DEFAULT now(),
    moved_at timestamptz
) WITH (
    -- Room for a version a batch in the row's own page, so that no index entry is ever added.
    fillfactor = 20,
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000
);
CREATE INDEX ingest_cursor_by_connection ON pumpjack.ingest_cursor (connection_no);

-- Readings kept out of their series. Bounded per connection by settings.quarantine_rows and
-- quarantine_days; quarantine_total goes on counting and keeps the first and the last.
CREATE TABLE pumpjack.quarantine (
    quarantine_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    tag_id integer,
    ts timestamptz NOT NULL,
    reason text NOT NULL,
    raw text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quarantine_by_time ON pumpjack.quarantine (connection_no, ts);
CREATE INDEX quarantine_by_age ON pumpjack.quarantine (kept_at);

CREATE TABLE pumpjack.quarantine_total (
    connection_no integer NOT NULL REFERENCES pumpjack.connection,
    reason text NOT NULL,
    total bigint NOT NULL,
    kept bigint NOT NULL,
    first_ts timestamptz NOT NULL,
    first_raw text NOT NULL,
    last_ts timestamptz NOT NULL,
    last_raw text NOT NULL,
    last_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (connection_no, reason)
);

-- Who signed in, who looked at what. Written through pumpjack.audit().
CREATE TABLE pumpjack.audit_logs (
    audit_id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    tenant_id text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    outcome text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_logs_by_tenant ON pumpjack.audit_logs (tenant_id, at);

-- One row that only `pumpjack maintain` may lock: two at once take turns. (An advisory lock
-- could be taken, and held, by any tenant.)
CREATE TABLE pumpjack.upkeep (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_run timestamptz
);
INSERT INTO pumpjack.upkeep DEFAULT VALUES;
