-- Reasons that devices give with a status. Codes are those of pumpjack_core/quality.py.
SET LOCAL ROLE pumpjack_owner;

CREATE OR REPLACE FUNCTION pumpjack.reason_text(quality smallint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (ARRAY['out_of_range', 'anomaly', 'stale', 'comm_failure', 'device_bad', 'clock', 'not_a_number',
                  'device_uncertain', 'precision', 'config_error', 'not_stored', 'sensor_failure',
                  'out_of_service', 'last_known', 'local_override'])[quality >> 2 & 63]
$$;
