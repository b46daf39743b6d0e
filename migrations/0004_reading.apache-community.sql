-- Readings, one chunk a day. TimescaleDB makes chunks as readings come, however late.
-- Portable from TimescaleDB 2.18 on: create_hypertable(by_range), no WITH (tsdb.hypertable).
SET LOCAL ROLE pumpjack_owner;

CREATE TABLE pumpjack.reading (
    ts timestamptz NOT NULL,
    tag_id integer NOT NULL,
    quality smallint NOT NULL,
    value double precision,
    UNIQUE (tag_id, ts)
);
-- No index on ts alone: every question names its tags.
SELECT create_hypertable('pumpjack.reading', by_range('ts', INTERVAL '1 day'), create_default_indexes => false);
