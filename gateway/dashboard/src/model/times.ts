// Times and ages as screens show them. Moments are epoch milliseconds; a zone is an IANA name.

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

const FULL_SECONDS_UNTIL_MS = 10 * MINUTE_MS;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const DAYS = "Sun Mon Tue Wed Thu Fri Sat".split(" ");

/** ISO 8601 as the gateway writes it; NaN where it is none. */
export function msOf(iso: string): number {
  return Date.parse(iso);
}

/** The same, null where there is no time. */
export function msOrNull(iso: string | null | undefined): number | null {
  if (!iso) return null;
  const ms = Date.parse(iso);
  return Number.isNaN(ms) ? null : ms;
}

/** "42 s", "3 m 21 s", "13 min", "3 h 12 min", "2 d 3 h", "18 d". */
export function ageText(ms: number): string {
  if (Number.isNaN(ms)) return "age unknown";
  const s = Math.floor(Math.max(ms, 0) / SECOND_MS);
  if (s < 60) return `${s} s`;
  const min = Math.floor(s / 60);
  if (ms < FULL_SECONDS_UNTIL_MS) return `${min} m ${s % 60} s`;
  if (min < 60) return `${min} min`;
  const h = Math.floor(min / 60);
  if (h < 24) return min % 60 === 0 ? `${h} h` : `${h} h ${min % 60} min`;
  const d = Math.floor(h / 24);
  return d >= 10 || h % 24 === 0 ? `${d} d` : `${d} d ${h % 24} h`;
}

/** How far behind the screen is: "0.4 s", from 10 s on as an age. */
export function lagText(ms: number): string {
  return ms < 10 * SECOND_MS ? `${(Math.max(ms, 0) / SECOND_MS).toFixed(1)} s` : ageText(ms);
}

/** How long until: "4 s", never "0 s" before it is over. */
export function untilText(ms: number): string {
  return ms <= 0 ? "now" : ageText(Math.ceil(ms / SECOND_MS) * SECOND_MS);
}

export interface LocalTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();
const names = new Map<string, Intl.DateTimeFormat>();

/** Whether this browser knows the zone. */
export function isZone(zone: string): boolean {
  if (zone === "") return false;
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: zone });
    return true;
  } catch {
    return false;
  }
}

/** The zone, or UTC where it is unknown: a time in a wrong zone would be a lie. */
export function knownZone(zone: string): string {
  return isZone(zone) ? zone : "UTC";
}

/** The zone of this screen. */
export function screenZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
}

/** Year to second on the wall clock of a zone. */
export function localTime(ms: number, zone: string): LocalTime {
  const found: Record<string, number> = {};
  for (const part of formatOf(zone).formatToParts(ms)) {
    if (part.type !== "literal") found[part.type] = Number(part.value);
  }
  return {
    year: found["year"] ?? 0,
    month: found["month"] ?? 1,
    day: found["day"] ?? 1,
    hour: (found["hour"] ?? 0) % 24,
    minute: found["minute"] ?? 0,
    second: found["second"] ?? 0,
  };
}

/** How far the zone is ahead of UTC at that moment [ms]. */
export function offsetMs(ms: number, zone: string): number {
  const whole = Math.floor(ms / SECOND_MS) * SECOND_MS;
  const at = localTime(whole, zone);
  return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - whole;
}

/** "−05:00" with a real minus, for people. */
export function offsetText(ms: number, zone: string): string {
  return isoOffset(ms, zone).replace("-", "−");
}

/** "CDT", or "" where the zone has no such name but its offset. */
export function zoneName(ms: number, zone: string): string {
  let format = names.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", { timeZone: knownZone(zone), timeZoneName: "short" });
    names.set(zone, format);
  }
  const name = format.formatToParts(ms).find((part) => part.type === "timeZoneName")?.value ?? "";
  return /^(GMT|UTC)[+-]/.test(name) ? "" : name;
}

/** "14:32:07" */
export function clockText(ms: number, zone: string): string {
  const at = localTime(ms, zone);
  return `${two(at.hour)}:${two(at.minute)}:${two(at.second)}`;
}

/** "14:32" */
export function clockMinutes(ms: number, zone: string): string {
  return clockText(ms, zone).slice(0, 5);
}

/** "Thu 12 Mar" */
export function dayText(ms: number, zone: string): string {
  const at = localTime(ms, zone);
  const weekday = new Date(Date.UTC(at.year, at.month - 1, at.day)).getUTCDay();
  return `${DAYS[weekday]} ${at.day} ${MONTHS[at.month - 1]}`;
}

/** The clock for today, else the date before it: "14:32:07", "11 Mar 09:12", "11 Mar 2025". */
export function whenText(ms: number, nowMs: number, zone: string): string {
  const at = localTime(ms, zone);
  const now = localTime(nowMs, zone);
  if (at.year !== now.year) return `${at.day} ${MONTHS[at.month - 1]} ${at.year}`;
  if (at.month === now.month && at.day === now.day) return clockText(ms, zone);
  return `${at.day} ${MONTHS[at.month - 1]} ${two(at.hour)}:${two(at.minute)}`;
}

/** Where a time leaves the frame: "12 Mar 2026 14:32:06.212 −05:00". digits: of the second. */
export function fullText(ms: number, zone: string, digits: 0 | 3 = 0): string {
  const at = localTime(ms, zone);
  const rest = digits === 0 ? "" : `.${String(((ms % 1000) + 1000) % 1000 | 0).padStart(3, "0")}`;
  return (
    `${at.day} ${MONTHS[at.month - 1]} ${at.year} ${clockText(ms, zone)}${rest} ` +
    offsetText(ms, zone)
  );
}

/** For links and exports: "2026-03-12T14:32:06.212-05:00". */
export function isoText(ms: number, zone: string): string {
  const local = new Date(ms + offsetMs(ms, zone)).toISOString().slice(0, -1);
  return local.replace(/\.000$/, "") + isoOffset(ms, zone);
}

/** The moment of a wall clock in a zone. In the hour that comes twice: the first; in the one that is skipped: after it. */
export function msOfLocal(at: LocalTime, zone: string): number {
  const asUtc = Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second);
  const early = asUtc - offsetMs(asUtc - DAY_MS, zone);
  const late = asUtc - offsetMs(asUtc + DAY_MS, zone);
  for (const guess of [early, late].sort((a, b) => a - b)) {
    if (guess + offsetMs(guess, zone) === asUtc) return guess;
  }
  return early;
}

/** The same wall clock so many days earlier, also where the clocks were changed between. */
export function daysBefore(ms: number, days: number, zone: string): number {
  const at = localTime(ms, zone);
  const day = new Date(Date.UTC(at.year, at.month - 1, at.day - days));
  const moved = {
    ...at,
    year: day.getUTCFullYear(),
    month: day.getUTCMonth() + 1,
    day: day.getUTCDate(),
  };
  return msOfLocal(moved, zone) + (((ms % SECOND_MS) + SECOND_MS) % SECOND_MS);
}

export interface NamedRange {
  key: string;
  label: string;
  ms: number;
}

/** The ranges that screens offer. */
export const RANGES: readonly NamedRange[] = [
  { key: "1h", label: "1 h", ms: HOUR_MS },
  { key: "8h", label: "8 h", ms: 8 * HOUR_MS },
  { key: "24h", label: "24 h", ms: DAY_MS },
  { key: "7d", label: "7 d", ms: 7 * DAY_MS },
  { key: "30d", label: "30 d", ms: 30 * DAY_MS },
  { key: "1y", label: "1 y", ms: 365 * DAY_MS },
  { key: "2y", label: "2 y", ms: 730 * DAY_MS },
];

/** A length of time in one word or two: "2 h", "45 min", "3 d". */
export function spanText(ms: number): string {
  return RANGES.find((range) => range.ms === ms)?.label ?? ageText(ms);
}

function isoOffset(ms: number, zone: string): string {
  const minutes = Math.round(offsetMs(ms, zone) / MINUTE_MS);
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: knownZone(zone),
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

function two(number: number): string {
  return String(number).padStart(2, "0");
}
