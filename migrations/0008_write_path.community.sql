-- TimescaleDB stops a transaction that has to decompress more than 100,000 rows, so late readings
-- of many tags into compressed days would be refused, again and again, and block their journal.
SET LOCAL ROLE pumpjack_owner;

ALTER FUNCTION pumpjack.write_batch(
    uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb
) SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
