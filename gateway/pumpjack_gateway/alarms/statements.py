"""What is asked of the database about alarms. A tenant's rows are all that its reader can see."""

from __future__ import annotations

from pumpjack_gateway.alarms.rows import ALARM_COLUMNS, EVENT_COLUMNS

HEAD = "SELECT h.event_no FROM pumpjack.scada_heads AS h"
NOT_NORMAL = f"SELECT {ALARM_COLUMNS} FROM pumpjack.scada_alarms AS a WHERE a.state <> 'normal'"  # noqa: S608
THESE = f"SELECT {ALARM_COLUMNS} FROM pumpjack.scada_alarms AS a WHERE a.alarm_id = ANY ($1)"  # noqa: S608
EVENTS_AFTER = (
    f"SELECT {EVENT_COLUMNS} FROM pumpjack.scada_events AS e "  # noqa: S608
    "WHERE e.tenant_id = $1 AND e.event_no > $2 ORDER BY e.event_no LIMIT $3"
)
CURSORS = (
    "SELECT j.journal_id::text AS journal_id, j.seq FROM pumpjack.scada_journals AS j "
    "WHERE j.journal_id::text = ANY ($1)"
)
_SHOWN = (
    "e.kind = 'raised' AND e.state NOT IN ('shelved', 'suppressed', 'out_of_service') "
    "AND NOT e.detail ?| ARRAY['late', 'removed']"
)
"""Raised before an operator's eyes, and not only found out later."""
_US = "(extract(epoch FROM e.at) * 1000000)::bigint"
RAISED_TODAY = (
    f"SELECT {_US} AS us FROM pumpjack.scada_events AS e "  # noqa: S608
    f"WHERE {_SHOWN} AND e.at > now() - interval '1 day' ORDER BY e.at DESC LIMIT 20000"
)
RAISED_LATELY = (
    "SELECT count(*) FROM pumpjack.scada_events AS e "  # noqa: S608
    f"WHERE {_SHOWN} AND e.at > now() - interval '10 minutes'"
)
RAISED_BETWEEN = (
    f"SELECT {_US} AS us, e.alarm_id, e.priority FROM pumpjack.scada_events AS e "  # noqa: S608
    f"WHERE {_SHOWN} AND e.at >= $1::timestamptz - interval '1 day' AND e.at < $2 "
    "ORDER BY e.at, e.event_no LIMIT $3"
)
NAMES = (
    "SELECT a.alarm_id, a.connection_id, a.well_id, a.tag_name, a.condition, a.priority "
    "FROM pumpjack.scada_alarms AS a WHERE a.alarm_id = ANY ($1)"
)
STANDING = (
    "SELECT a.alarm_id, a.connection_id, a.well_id, a.tag_name, a.condition, a.priority, "
    "a.active_since, a.state FROM pumpjack.scada_alarms AS a "
    "WHERE a.active AND a.state <> 'normal' AND a.active_since < now() - interval '24 hours' "
    "ORDER BY a.active_since LIMIT 1000"
)
TALLIES = (
    "SELECT a.state, a.priority, count(*) AS number FROM pumpjack.scada_alarms AS a "
    "WHERE a.state <> 'normal' GROUP BY a.state, a.priority"
)
PAGE = f"""
    SELECT * FROM (
        SELECT {ALARM_COLUMNS},
               CASE WHEN a.state IN ('unacknowledged', 'returned_unacknowledged',
                                     'latched_unacknowledged') THEN 0
                    WHEN a.state IN ('acknowledged', 'latched_acknowledged') THEN 1
                    WHEN a.state = 'normal' THEN 3 ELSE 2 END AS rank,
               -(extract(epoch FROM a.since) * 1000000)::bigint AS newest_us
        FROM pumpjack.scada_alarms AS a
        WHERE (cardinality($1::text[]) = 0 OR a.state = ANY ($1))
          AND (cardinality($2::int[]) = 0 OR a.priority = ANY ($2))
          AND ($3 = '' OR a.well_id = $3)
          AND ($4 = '' OR a.connection_id = $4)
          AND (cardinality($5::text[]) = 0 OR a.condition = ANY ($5))
          AND ($6 = '' OR a.well_id ILIKE $6 OR a.tag_name ILIKE $6 OR a.message ILIKE $6)
          AND (a.declared OR a.state <> 'normal')
    ) AS p
    WHERE (p.rank, p.priority, p.newest_us, p.alarm_id) > ($7::int, $8::int, $9::bigint, $10::text)
    ORDER BY p.rank, p.priority, p.newest_us, p.alarm_id
    LIMIT $11
"""  # noqa: S608
HISTORY = f"""
    SELECT {EVENT_COLUMNS}
    FROM pumpjack.scada_events AS e
    WHERE e.tenant_id = $9
      AND ($1 = '' OR e.alarm_id = $1)
      AND ($2 = '' OR e.well_id = $2)
      AND ($3 = '' OR e.connection_id = $3)
      AND (cardinality($4::text[]) = 0 OR e.kind = ANY ($4))
      AND ($5::timestamptz IS NULL OR e.at >= $5)
      AND ($6::timestamptz IS NULL OR e.at < $6)
      AND ($7::bigint IS NULL OR e.event_no < $7)
    ORDER BY e.event_no DESC
    LIMIT $8
"""  # noqa: S608
_ANSWER = "SELECT r.* FROM pumpjack."
ACTIONS: dict[str, str] = {
    "acknowledge": f"{_ANSWER}acknowledge_alarms($1, $2, $3, $4, $5) AS r",
    "shelve": f"{_ANSWER}shelve_alarms($1, $2, $3, $6::timestamptz, $5, $4) AS r",
    "unshelve": f"{_ANSWER}unshelve_alarms($1, $2, $3, $5, $4) AS r",
    "out-of-service": f"{_ANSWER}out_of_service_alarms($1, $2, $3, $5, $4) AS r",
    "in-service": f"{_ANSWER}in_service_alarms($1, $2, $3, $5, $4) AS r",
    "reset": f"{_ANSWER}reset_alarms($1, $2, $3, $5, $4) AS r",
}
