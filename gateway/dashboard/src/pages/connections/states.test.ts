import { expect, test } from "vitest";
import type { Connection } from "../../rest/types/connections.ts";
import { adviceOf, sentence } from "./advice.ts";
import { dayWords, runsOf } from "./day.ts";
import { countKinds, stateOf, worstFirst } from "./states.ts";
import { linkOf, viewOf } from "./view.ts";

function connection(change: Partial<Connection> = {}): Connection {
  return {
    connectionId: "ops/pad7",
    protocol: "modbus-tcp",
    endpoint: "10.1.7.20:502",
    state: "connected",
    stale: false,
    reason: null,
    message: null,
    since: "2026-03-12T19:18:22Z",
    lastHeartbeat: null,
    lastReadingAt: null,
    wells: ["pad7-1"],
    mappedTags: 36,
    rejectedTags: 0,
    rejected: [],
    problems: [],
    journal: { batches: 0, bytes: 0, oldestS: 0, sizeBytes: 1 << 30 },
    conditions: [],
    ...change,
  };
}

const journal = (oldestS: number) => ({ batches: 9, bytes: 5, oldestS, sizeBytes: 1 << 30 });
const condition = (type: string, reason: string, message = "why") => [
  { type, status: "False" as const, reason, message, since: null },
];

test.each<[Partial<Connection>, string, string]>([
  [{}, "connected", "Connected"],
  [{ state: "disconnected" }, "down", "Down"],
  [{ stale: true, reason: "HeartbeatLost" }, "down", "No worker"],
  [{ stale: true, reason: "NeverHeard", state: "unknown" }, "down", "Not running"],
  [{ stale: true, reason: "FeedLost" }, "degraded", "Unknown"],
  [{ state: "stopped", stale: true, reason: "HeartbeatLost" }, "down", "Stopped"],
  [{ state: "connecting" }, "connecting", "Connecting"],
  [{ state: "suspended" }, "suspended", "Suspended"],
  [{ state: "fenced" }, "degraded", "Replaced"],
  [{ rejectedTags: 2 }, "degraded", "Tags rejected"],
  [{ journal: journal(61), rejectedTags: 2 }, "degraded", "Stalled"],
  [{ conditions: condition("DataFlowing", "NoReadings") }, "degraded", "No readings"],
  [{ conditions: condition("DataFlowing", "JournalFull"), journal: journal(99) }, "degraded", "Not stored"],
])("a connection with %o is %s: %s", (change, kind, word) => {
  expect(stateOf(connection(change))).toMatchObject({ kind, word });
});

test("what is lost of a batch for a moment is no reason to look", () => {
  expect(stateOf(connection({ journal: journal(59) })).kind).toBe("connected");
});

test("the worst comes first, and of those that are as bad the name decides", () => {
  const all = [
    connection({ connectionId: "ops/fine" }),
    connection({ connectionId: "ops/resting", state: "suspended" }),
    connection({ connectionId: "ops/b-away", state: "disconnected" }),
    connection({ connectionId: "ops/some", rejectedTags: 1 }),
    connection({ connectionId: "ops/held-up", journal: journal(90) }),
    connection({ connectionId: "ops/new", state: "connecting" }),
    connection({ connectionId: "ops/a-away", state: "disconnected" }),
  ];
  expect([...all].sort(worstFirst).map((one) => one.connectionId.slice(4))).toEqual([
    "a-away",
    "b-away",
    "held-up",
    "some",
    "new",
    "resting",
    "fine",
  ]);
  expect(countKinds(all)).toEqual({ down: 2, degraded: 2, connecting: 1, suspended: 1, connected: 1 });
});

test("what the worker was told stands in the sentence, and the wells that suffer", () => {
  const advice = adviceOf(connection({ state: "disconnected", message: "10.1.7.20:502 refuses the connection; check its power" }));
  expect(advice.head).toBe("Down");
  expect(advice.body).toContain("10.1.7.20:502 refuses the connection; check its power.");
  expect(advice.silentWells).toBe(1);
});

test("a held-up journal says how much room is left", () => {
  const body = adviceOf(connection({ journal: { batches: 9, bytes: 731 << 20, oldestS: 2460, sizeBytes: 1 << 30 } })).body;
  expect(body).toContain("41 min");
  expect(body).toContain("293 MiB");
});

test("a sentence begins with a capital letter, an address as it is written", () => {
  expect(sentence("the device is away")).toBe("The device is away.");
  expect(sentence("opc.tcp://plc: closed.")).toBe("opc.tcp://plc: closed.");
  expect(sentence("")).toBe("");
});

test("the day is told in runs and in words", () => {
  expect(runsOf(["none", "connected", "connected", "down"])).toEqual([
    { state: "none", from: 0, columns: 1 },
    { state: "connected", from: 1, columns: 2 },
    { state: "down", from: 3, columns: 1 },
  ]);
  const words = dayWords({ start: "", columnS: 900, states: ["connected", "connected", "down", "connected"] });
  expect(words).toBe("Last 24 h: connected 45 min, without connection 15 min");
});

test("an address that says the view gives the view again", () => {
  const view = { id: "ops/pad7", kind: "down" as const, protocol: "mqtt", pad: "Pad A & B" };
  const query = Object.fromEntries(new URLSearchParams(linkOf(view).split("?")[1]));
  expect(viewOf(query)).toEqual(view);
  expect(linkOf(viewOf({ state: "nonsense" }))).toBe("/connections");
});
