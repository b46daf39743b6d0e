-- What a tenant's reader sees of alarms, events, definitions and commands; as in 0009.
SET LOCAL ROLE pumpjack_owner;

-- The unit of a tag is that of the series that was registered last.
CREATE VIEW pumpjack.scada_alarms WITH (security_barrier) AS
SELECT a.alarm_id, a.tenant_id, c.connection_id, a.well_id, a.tag_name, a.condition, a.priority, a.state,
       a.active, a.acknowledged, a.latched, a.shelved_until, a.shelved_by, a.suppressed, a.out_of_service,
       a.since, a.active_since, a.value, a."limit",
       (SELECT s.unit FROM pumpjack.series AS s
        WHERE s.connection_no = a.connection_no AND s.well_id = a.well_id AND s.tag_name = a.tag_name
        ORDER BY s.registered_at DESC, s.tag_id DESC LIMIT 1) AS unit,
       a.message, a.consequence, a.response, a.acknowledged_by, a.acknowledged_at, a.comment,
       a.version, a.event_no, a.declared, a.latch, a.deadband, a.per_s, a.from_tag, a.states,
       a.on_delay_s, a.off_delay_s
FROM pumpjack.alarm AS a
JOIN pumpjack.connection AS c ON c.connection_no = a.connection_no
WHERE a.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_events WITH (security_barrier) AS
SELECT e.event_no, e.at, e.recorded_at, e.tenant_id, e.alarm_id, c.connection_id, a.well_id, a.tag_name, a.condition,
       e.priority, e.kind, e.actor, e.comment, e.value, e."limit", e.detail, e.state
FROM pumpjack.events AS e
JOIN pumpjack.alarm AS a ON a.alarm_id = e.alarm_id
JOIN pumpjack.connection AS c ON c.connection_no = a.connection_no
WHERE e.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_tag_definitions WITH (security_barrier) AS
SELECT c.tenant_id, c.connection_id, d.well_id, d.tag_name, s.unit, s.data_type, d.address, d.description, d.interval_s,
       d.low, d.high, d.state_names, d.writable, f.writes AS connection_writes, d.write_low, d.write_high, d.write_states,
       d.write_approval, d.write_verify_s, f.declared_at
FROM pumpjack.tag_definition AS d
JOIN pumpjack.connection AS c ON c.connection_no = d.connection_no
JOIN pumpjack.connection_definition AS f ON f.connection_no = d.connection_no
LEFT JOIN LATERAL (
    SELECT n.unit, n.data_type FROM pumpjack.series AS n
    WHERE n.connection_no = d.connection_no AND n.well_id = d.well_id AND n.tag_name = d.tag_name
    ORDER BY n.registered_at DESC, n.tag_id DESC LIMIT 1) AS s ON true
WHERE d.declared AND c.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_commands WITH (security_barrier) AS
SELECT m.command_id, m.tenant_id, c.connection_id, m.well_id, m.tag_name, m.value, m.reason, m.state, m.approval,
       m.requested_by, m.requested_role, m.requested_at, m.decided_by, m.decided_at, m.comment, m.expires_at,
       m.sent_at, m.done_at, m.verify_s, m.detail, m.result, m.idempotency_key, m.change_no
FROM pumpjack.commands AS m
JOIN pumpjack.connection AS c ON c.connection_no = m.connection_no
WHERE m.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

CREATE VIEW pumpjack.scada_command_steps WITH (security_barrier) AS
SELECT p.change_no, p.tenant_id, p.command_id, p.at, p.state, p.actor, p.detail
FROM pumpjack.command_steps AS p
WHERE p.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

-- The numbers used last: what a reader has to have seen to be up to date.
CREATE VIEW pumpjack.scada_heads WITH (security_barrier) AS
SELECT h.tenant_id, h.event_no, h.change_no
FROM pumpjack.event_head AS h
WHERE h.tenant_id = ANY (ARRAY(
    SELECT t.tenant_id FROM pumpjack.tenant AS t WHERE pg_has_role(current_user, t.reader_role, 'USAGE')));

GRANT SELECT ON
    pumpjack.scada_alarms, pumpjack.scada_events, pumpjack.scada_tag_definitions,
    pumpjack.scada_commands, pumpjack.scada_command_steps, pumpjack.scada_heads
TO pumpjack_reader;
GRANT EXECUTE ON FUNCTION pumpjack.alarm_id(text, text, text, text, text) TO pumpjack_reader, pumpjack_gateway;
