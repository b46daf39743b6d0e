-- Readings, one partition a day (UTC). There is no default partition: write_batch makes what is
-- missing, so a late reading is never refused, and `pumpjack maintain` works ahead of it.
SET LOCAL ROLE pumpjack_owner;

CREATE TABLE pumpjack.reading (
    ts timestamptz NOT NULL,
    tag_id integer NOT NULL,
    quality smallint NOT NULL,
    value double precision,
    -- No index on ts alone: every question names its tags.
    UNIQUE (tag_id, ts)
) PARTITION BY RANGE (ts);

SELECT pumpjack.make_partitions('reading', 'day', now() - interval '1 day', now() + interval '14 days');
