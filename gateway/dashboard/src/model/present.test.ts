import { describe, expect, test } from "vitest";
import { type Around, type Given, type Presented, type TagView, present, staleAfterMs, valueText } from "./present.ts";

const TAG: TagView = {
  unit: "psi",
  digits: 0,
  dataType: "float32",
  stateNames: {},
  protocol: "modbus-tcp",
  intervalS: 1,
  staleAfterS: 10,
  low: 0,
  high: 600,
  normalLow: 180,
  normalHigh: 360,
  limits: [
    { condition: "hi", limit: 400, priority: 2 },
    { condition: "hihi", limit: 450, priority: 1 },
  ],
};
const RUNNING: TagView = { ...TAG, unit: "", dataType: "bool", stateNames: { "0": "STOPPED", "1": "RUNNING" } };
const GOOD: Given = { value: 285.4, quality: "GOOD", reason: null, ageMs: 800 };
const HERE: Around = { connected: true };

interface Case {
  name: string;
  reading: Given | null;
  tag?: TagView | null;
  around?: Around;
  shows: Partial<Presented>;
}

const CASES: Case[] = [
  {
    name: "a good, fresh value has no mark",
    reading: GOOD,
    shows: { text: "285", unit: "psi", mark: "good", label: "", reason: "", struck: false, bar: "good", age: "0 s", words: "285 psi, good, 0 s old" },
  },
  {
    name: "a value has the digits that its tag declares",
    reading: { ...GOOD, value: 8.44 },
    tag: { ...TAG, digits: 1, unit: "SPM" },
    shows: { text: "8.4", unit: "SPM" },
  },
  {
    name: "thousands are separated",
    reading: { ...GOOD, value: 31420 },
    tag: { ...TAG, unit: "lbf" },
    shows: { text: "31,420" },
  },
  {
    name: "a value below zero has a minus sign, and nought has none",
    reading: { ...GOOD, value: -0.2 },
    shows: { text: "0" },
  },
  {
    name: "a state is shown as its word, without a unit",
    reading: { ...GOOD, value: 1 },
    tag: RUNNING,
    shows: { text: "RUNNING", unit: "", words: "RUNNING, good, 0 s old" },
  },
  {
    name: "a state without a word is shown as its number",
    reading: { ...GOOD, value: 2 },
    tag: RUNNING,
    shows: { text: "2", mark: "good" },
  },
  {
    name: "UNCERTAIN keeps its value and says so, with the reason",
    reading: { ...GOOD, quality: "UNCERTAIN", reason: "anomaly" },
    shows: { text: "285", mark: "uncertain", label: "UNCERTAIN", reason: "anomaly", bar: "uncertain", words: "285 psi, UNCERTAIN, far from its recent values, 0 s old" },
  },
  {
    name: "BAD with a value is struck through and points nowhere",
    reading: { value: 9998, quality: "BAD", reason: "out_of_range", ageMs: 2000 },
    shows: { text: "9,998", mark: "bad", label: "BAD", reason: "out_of_range", struck: true, pointer: null, bar: "bad", words: "9,998 psi, BAD, not to be believed, outside of its range, 2 s old" },
  },
  {
    name: "BAD without a value shows a dash",
    reading: { value: null, quality: "BAD", reason: "device_bad", ageMs: 2000 },
    shows: { text: "–", unit: "", mark: "bad", label: "BAD", struck: false, pointer: null },
  },
  {
    name: "no value is never good, whatever its quality says",
    reading: { ...GOOD, value: null },
    shows: { text: "–", mark: "bad", label: "BAD", reason: "no value", pointer: null },
  },
  {
    name: "what is no number is no value",
    reading: { ...GOOD, value: Number.NaN },
    shows: { text: "–", mark: "bad", pointer: null },
  },
  {
    name: "older than 3 intervals, but not 10 s: not stale yet",
    reading: { ...GOOD, ageMs: 10_000 },
    shows: { mark: "good" },
  },
  {
    name: "older than 10 s at an interval of a second: stale",
    reading: { ...GOOD, ageMs: 10_001 },
    shows: { text: "285", mark: "stale", label: "STALE 10 s", bar: "stale", struck: false },
  },
  {
    name: "a slow tag has three of its own intervals",
    reading: { ...GOOD, ageMs: 180_000 },
    tag: { ...TAG, intervalS: 60, staleAfterS: 180 },
    shows: { mark: "good", age: "3 m 0 s" },
  },
  {
    name: "and is stale after them",
    reading: { ...GOOD, ageMs: 180_001 },
    tag: { ...TAG, intervalS: 60, staleAfterS: 180 },
    shows: { mark: "stale", label: "STALE 3 m 0 s" },
  },
  {
    name: "a value whose connection is down is stale at once, however young",
    reading: GOOD,
    around: { connected: false },
    shows: { text: "285", mark: "stale", label: "STALE 0 s", words: "285 psi, STALE, the last known value and not the present one, its connection is down, 0 s old" },
  },
  {
    name: "offline, a value of this second is stale, too",
    reading: GOOD,
    around: { connected: true, offline: true },
    shows: { mark: "stale", label: "STALE 0 s", bar: "stale" },
  },
  {
    name: "offline, every value is stale",
    reading: { ...GOOD, ageMs: 201_000 },
    around: { connected: true, offline: true },
    shows: { mark: "stale", label: "STALE 3 m 21 s", words: "285 psi, STALE, the last known value and not the present one, this screen has lost the gateway, 3 m 21 s old" },
  },
  {
    name: "a stale value still points at where it was",
    reading: { ...GOOD, value: 300, ageMs: 60_000 },
    shows: { mark: "stale", pointer: { at: 0.5, beyond: null } },
  },
  {
    name: "UNCERTAIN and stale says both",
    reading: { ...GOOD, quality: "UNCERTAIN", reason: "anomaly", ageMs: 60_000 },
    shows: { mark: "stale", label: "STALE 1 m 0 s, UNCERTAIN" },
  },
  {
    name: "BAD and stale says both",
    reading: { value: 9998, quality: "BAD", reason: "out_of_range", ageMs: 60_000 },
    shows: { mark: "bad", label: "BAD, STALE 1 m 0 s", struck: true },
  },
  {
    name: "the worker's mark of silence shows the value before it, with its own age",
    reading: { value: null, quality: "BAD", reason: "stale", ageMs: 1_000, lastKnown: { value: 218, ageMs: 825_000 } },
    shows: { text: "218", unit: "psi", mark: "stale", label: "STALE 13 min", age: "13 min", reason: "stale", struck: false },
  },
  {
    name: "the same where the device is lost",
    reading: { value: null, quality: "BAD", reason: "comm_failure", ageMs: 1_000, lastKnown: { value: 218, ageMs: 20_000 } },
    around: { connected: false },
    shows: { text: "218", mark: "stale", label: "STALE 20 s" },
  },
  {
    name: "a silence before which nothing is known is a dash, and stale",
    reading: { value: null, quality: "BAD", reason: "stale", ageMs: 90_000 },
    shows: { text: "–", unit: "", mark: "stale", label: "STALE 1 m 30 s", pointer: null },
  },
  {
    name: "a reading a little ahead of this screen's clock is good, and not below 0 s old",
    reading: { ...GOOD, ageMs: -4_000 },
    shows: { mark: "good", age: "0 s" },
  },
  {
    name: "a reading from the future is UNCERTAIN, and says how far ahead it is",
    reading: { ...GOOD, ageMs: -180_000 },
    shows: { text: "285", mark: "uncertain", label: "UNCERTAIN", reason: "clock", words: "285 psi, its time is 3 m 0 s ahead of the gateway's clock" },
  },
  {
    name: "a reading from the future does not stay fresh when nothing comes any more",
    reading: { ...GOOD, ageMs: -180_000, unheardMs: 20_000 },
    shows: { mark: "stale" },
  },
  {
    name: "a reading without a readable time is UNCERTAIN",
    reading: { ...GOOD, ageMs: Number.NaN },
    shows: { mark: "uncertain", age: "age unknown" },
  },
  {
    name: "what is not stored says so, and stays good",
    reading: { ...GOOD, stored: false },
    shows: { mark: "good", notes: ["not stored"], words: "285 psi, good, 0 s old, not stored" },
  },
  {
    name: "while a gap is reloaded it says so",
    reading: GOOD,
    around: { connected: true, catchingUp: true },
    shows: { notes: ["catching up"] },
  },
  {
    name: "beyond a limit the words name it",
    reading: { ...GOOD, value: 460 },
    shows: { text: "460", words: "460 psi, good, at or above HiHi 450, 0 s old" },
  },
  {
    name: "beyond its bar the pointer stays at the end and says on which side",
    reading: { ...GOOD, value: 700 },
    shows: { pointer: { at: 1, beyond: "above" } },
  },
  {
    name: "without range and limits there is no pointer",
    reading: GOOD,
    tag: { ...TAG, low: null, high: null, normalLow: null, normalHigh: null, limits: [] },
    shows: { text: "285", mark: "good", pointer: null },
  },
  {
    name: "no reading yet",
    reading: null,
    shows: { text: "–", unit: "", mark: "none", label: "NO DATA", age: "", pointer: null, words: "no reading yet" },
  },
  {
    name: "no reading yet, and the gateway is lost",
    reading: null,
    around: { connected: true, offline: true },
    shows: { mark: "none", label: "NO DATA", words: "no reading before the gateway was lost" },
  },
  {
    name: "nothing is mapped here",
    reading: null,
    tag: null,
    shows: { text: "–", mark: "unmapped", label: "NOT MAPPED", words: "not mapped to a tag" },
  },
  {
    name: "an OPC UA value that does not change is not stale while its connection is",
    reading: { ...GOOD, ageMs: 3_600_000 },
    tag: { ...TAG, protocol: "opcua", staleAfterS: null },
    shows: { mark: "good", age: "1 h" },
  },
  {
    name: "but it is when its connection is down",
    reading: { ...GOOD, ageMs: 3_600_000 },
    tag: { ...TAG, protocol: "opcua", staleAfterS: null },
    around: { connected: false },
    shows: { mark: "stale", label: "STALE 1 h" },
  },
];

describe("what is shown of a reading", () => {
  test.each(CASES)("$name", ({ reading, tag, around, shows }) => {
    expect(present(reading, tag === undefined ? TAG : tag, around ?? HERE)).toMatchObject(shows);
  });

  test("nothing that is not good can be mistaken for good", () => {
    for (const { reading, tag, around } of CASES) {
      const shown = present(reading, tag === undefined ? TAG : tag, around ?? HERE);
      expect(shown.label === "", shown.words).toBe(shown.mark === "good");
      expect(shown.words.includes("good"), shown.words).toBe(shown.mark === "good");
      if (shown.mark !== "good") expect(shown.bar, shown.words).not.toBe("good");
      if (shown.mark === "bad" || shown.mark === "none") expect(shown.pointer).toBeNull();
    }
  });
});

test("a tag is stale after the time that the gateway tells, and never where it tells none", () => {
  expect(staleAfterMs({ ...TAG, staleAfterS: 300 })).toBe(300_000);
  expect(staleAfterMs({ ...TAG, staleAfterS: null })).toBe(Infinity);
});

test("a limit or set point is written as its tag's values are", () => {
  expect(valueText(31000, { ...TAG, digits: 0 })).toBe("31,000");
  expect(valueText(0, RUNNING)).toBe("STOPPED");
});
