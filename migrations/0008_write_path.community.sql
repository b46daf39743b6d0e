-- Older TimescaleDB decompresses what may hold a duplicate, and stops a transaction at 100,000 such
-- rows: late readings of many tags into compressed days would be refused, again and again, and
-- block their journal. (2.23 looks into the compressed rows instead.)
SET LOCAL ROLE pumpjack_owner;

ALTER FUNCTION pumpjack.write_batch(
    uuid, bigint, bigint, bigint[], integer[], integer[], double precision[], jsonb
) SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0;
