// Wells and their tags. Times are ISO 8601 in UTC; a `number | null` is null where there is none.

import type { LimitCondition, Priority } from "./alarms.ts";

export interface TagLimit {
  condition: LimitCondition;
  limit: number;
  priority: Priority;
}

/** What is known of a tag besides its readings. staleAfterS null: nobody expects the next one at a time. */
export interface TagFacts {
  tagName: string;
  title: string;
  description: string;
  connectionId: string;
  protocol: string;
  address: string;
  unit: string;
  dataType: string;
  intervalS: number | null;
  staleAfterS: number | null;
  low: number | null;
  high: number | null;
  normalLow: number | null;
  normalHigh: number | null;
  digits: number | null;
  stateNames: Record<string, string>;
  writable: boolean;
  limits: TagLimit[];
}

/** A well, and where it is. */
export interface WellName {
  wellId: string;
  title: string;
  type: string;
  pad: string;
  route: string;
  timeZone: string;
  /** When it was read first; null: not yet. */
  since: string | null;
}

/** GET /api/scada/wells/{wellId}. roles: role of the template to name of a tag. */
export interface WellAnswer extends WellName {
  asOf: string;
  template: string | null;
  roles: Record<string, string>;
  keyTags: string[];
  tags: TagFacts[];
}

export interface OverviewWell extends WellName {
  keys: TagFacts[];
  connectionIds: string[];
  tags: number;
}

/** GET /api/scada/overview */
export interface OverviewAnswer {
  asOf: string;
  wells: OverviewWell[];
}

export interface WellSummary {
  wellId: string;
  tags: { tagName: string; unit: string; dataType: string; connectionId: string }[];
  lastReadingAt: string | null;
}

export interface WellsPage {
  wells: WellSummary[];
  nextAfter: string | null;
}
