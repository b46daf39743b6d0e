import { expect, test } from "vitest";
import { sampleCommand, sampleEvent, sampleTag } from "../../testing/samples.ts";
import { type Happened, merged, nextSource, ofAlarm, ofCommand } from "./events.ts";

const happened = (key: string, atMs: number): Happened => ({
  key,
  atMs,
  kind: "alarm",
  priority: 1,
  what: "",
  detail: "",
  who: "",
  comment: "",
});

test("alarms and commands stand in one order, the newest first", () => {
  const alarms = { items: [happened("a3", 30), happened("a1", 10)], hasMore: false };
  const commands = { items: [happened("c2", 20)], hasMore: false };
  expect(merged([alarms, commands]).items.map((one) => one.key)).toEqual(["a3", "c2", "a1"]);
});

test("nothing is shown that is older than where a source was read to", () => {
  const alarms = { items: [happened("a9", 90), happened("a5", 50)], hasMore: true };
  const commands = { items: [happened("c7", 70), happened("c1", 10)], hasMore: false };
  const shown = merged([alarms, commands]);
  expect(shown.items.map((one) => one.key)).toEqual(["a9", "c7", "a5"]);
  expect(shown.hasMore).toBe(true);
});

test("the source that ends first in time is read on", () => {
  const alarms = { items: [happened("a5", 50)], hasMore: true };
  const commands = { items: [happened("c7", 70)], hasMore: true };
  expect(nextSource([alarms, commands])).toBe(1);
  expect(nextSource([alarms, { ...commands, hasMore: false }])).toBe(0);
  expect(nextSource([{ ...alarms, hasMore: false }])).toBe(-1);
});

test("an event that comes live and from the store is there once", () => {
  const both = { items: [happened("a5", 50), happened("a5", 50)], hasMore: false };
  expect(merged([both]).items).toHaveLength(1);
});

test("a tripped switch is said in the words of its states", () => {
  const tag = sampleTag({ tagName: "esd", title: "Emergency shutdown", unit: "", stateNames: { 0: "NORMAL", 1: "TRIPPED" } });
  const event = sampleEvent({ tagName: "esd", condition: "state", kind: "raised", value: 1, limit: null });
  const shown = ofAlarm(event, { title: "A-1", tags: [tag] });
  expect(shown.what).toBe("Alarm: Emergency shutdown");
  expect(shown.detail).toBe("TRIPPED");
});

test("a command says what was asked for and how far it has come", () => {
  const tag = sampleTag({ tagName: "pump_speed", title: "Pump speed", unit: "SPM", digits: 1 });
  const command = sampleCommand({ tagName: "pump_speed", value: 8.4, unit: "SPM", state: "verified", running: false });
  const shown = ofCommand(command, { tags: [tag] });
  expect(`${shown.what}, ${shown.detail}`).toBe("Pump speed → 8.4 SPM, verified");
});
