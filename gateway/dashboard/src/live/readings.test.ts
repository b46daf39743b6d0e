import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Presented } from "../model/present.ts";
import type { Guest } from "../testing/gateway.ts";
import { sampleTag } from "../testing/samples.ts";
import { reading, readings, screen, status, subscribed, until } from "../testing/screen.ts";
import type { HoleNotice } from "./well-feed.ts";

vi.setConfig({ testTimeout: 30_000 });

const TAG = sampleTag({ tagName: "casing_pressure", unit: "psi", digits: 0 });
const LATEST = "/api/scada/latest";
let it: Awaited<ReturnType<typeof screen>>;
let latest: { readings: unknown[]; connections: unknown[] };

beforeEach(async () => {
  latest = { readings: [], connections: [] };
  it = await screen({ [LATEST]: () => ({ body: { wellId: "well-1", source: "feed", ...latest } }) });
});
afterEach(() => it.stop());

/** Somebody looks at the tag; the snapshot has seq 5 and one reading. */
async function looking(): Promise<{ guest: Guest; shown: Presented[]; last: () => string; stop: () => void }> {
  const shown: Presented[] = [];
  const stop = it.live.wells.watchShown("well-1", TAG, (one) => shown.push(one));
  const guest = await it.signedIn();
  await guest.next("subscribe-well");
  guest.say("subscribed", subscribed(5, reading(TAG.tagName, 140)));
  guest.say("status", status());
  const last = () => {
    const one = shown.at(-1);
    return one === undefined ? "" : [one.text, one.label, ...one.notes].filter(Boolean).join(" ");
  };
  await until(() => last() === "140");
  return { guest, shown, last, stop };
}

describe("a value on a screen", () => {
  test("is NO DATA until the snapshot, then the newest reading", async () => {
    const early: Presented[] = [];
    const stop = it.live.wells.watchShown("well-1", TAG, (one) => early.push(one));
    await until(() => early.length > 0);
    expect(early[0]?.mark).toBe("none");
    stop();
    const { guest, last } = await looking();
    guest.say("readings", readings(6, 5, reading(TAG.tagName, 142)));
    await until(() => last() === "142");
  });

  test("is not put back by an older reading that comes late", async () => {
    const { guest, shown, last } = await looking();
    guest.say("readings", readings(6, 5, reading(TAG.tagName, 99, 3600)));
    guest.say("readings", readings(7, 6, reading("other", 1)));
    await until(() => it.live.wells.feed("well-1").cells.has("other"));
    expect(it.live.wells.feed("well-1").cells.get(TAG.tagName)?.value).toBe(140);
    guest.say("readings", readings(8, 7, reading(TAG.tagName, 143)));
    await until(() => last() === "143");
    expect(shown.map((one) => one.text)).not.toContain("99");
  });

  test("is STALE when its connection is lost, and again itself when it is back", async () => {
    const { guest, last } = await looking();
    guest.say("status", status({ stale: true, reason: "HeartbeatLost" }));
    await until(() => last().startsWith("140 STALE"));
    guest.say("status", status());
    await until(() => last() === "140");
  });

  test("keeps its last number when the worker marks the silence", async () => {
    const { guest, last } = await looking();
    const silence = reading(TAG.tagName, null, 0, { quality: "BAD", reason: "comm_failure" });
    guest.say("readings", readings(6, 5, silence));
    await until(() => last().startsWith("140 STALE"));
    guest.say("readings", readings(7, 6, reading(TAG.tagName, 141)));
    await until(() => last() === "141");
  });

  test("that the journal could not take is not stored, and says so", async () => {
    const { guest, last } = await looking();
    guest.say("readings", { ...readings(6, 5, reading(TAG.tagName, 150)), stored: false });
    await until(() => last() === "150 not stored");
  });

  test("is STALE at once when the gateway is lost", async () => {
    const { guest, last } = await looking();
    guest.cut();
    await until(() => last().startsWith("140 STALE"));
  });

  test("many changes within a frame are one call", async () => {
    const { guest, shown, last } = await looking();
    const before = shown.length;
    for (let n = 0; n < 200; n++) guest.say("readings", readings(6 + n, 5 + n, reading(TAG.tagName, 200 + n)));
    await until(() => last() === "399");
    expect(shown.length - before).toBeLessThan(100);
  });
});

describe("a gap", () => {
  test("that the gateway tells of is shown as catching up, until it says that it is healed", async () => {
    const holes: HoleNotice[] = [];
    it.live.wells.onHole("well-1", (hole) => holes.push(hole));
    const { guest, last } = await looking();
    latest.readings = [reading("seldom", 7)];
    const gap = { wellId: "well-1", connectionId: "ops/plc", epoch: "e", from: 5, to: 8 };
    guest.say("gap", { ...gap, healed: false });
    await until(() => last() === "140 catching up");
    expect(it.live.state.value.kind).toBe("catching-up");
    guest.say("gap", { ...gap, healed: true });
    await until(() => it.live.state.value.kind === "live");
    expect(holes.map((one) => one.healed)).toEqual([false, true]);
    // what was missed may have held the newest reading of a tag that is seldom read
    await until(() => it.live.wells.feed("well-1").cells.get("seldom")?.value === 7);
  });

  test("after an outage is found by positions, and healed from the store", async () => {
    const holes: HoleNotice[] = [];
    it.live.wells.onHole("well-1", (hole) => holes.push(hole));
    const { guest, last } = await looking();
    guest.cut();
    const again = await it.signedIn();
    await again.next("subscribe-well");
    again.say("subscribed", subscribed(9, reading(TAG.tagName, 160)));
    again.say("status", status({ storedSeq: 7 }));
    await until(() => last() === "160 catching up");
    latest.connections = [status({ storedSeq: 8 })];
    await until(() => it.rest.asked.some((one) => one.url.pathname === LATEST));
    expect(it.live.state.value.kind).toBe("catching-up");
    latest.connections = [status({ storedSeq: 9 })];
    await until(() => it.live.state.value.kind === "live");
    expect(holes.at(-1)).toMatchObject({ healed: true, wellId: "well-1" });
    expect(holes.at(-1)?.fromMs).toBeLessThan(holes.at(-1)?.toMs as number);
  });

  test("there is none where nothing was missed meanwhile", async () => {
    const { guest, last } = await looking();
    guest.cut();
    const again = await it.signedIn();
    await again.next("subscribe-well");
    again.say("subscribed", subscribed(5, reading(TAG.tagName, 140)));
    again.say("status", status());
    again.say("readings", readings(6, 5, reading(TAG.tagName, 141)));
    await until(() => last() === "141");
    expect(it.live.state.value.kind).toBe("live");
  });
});

test("a screen that was too slow shows the newest, and says that it is slow", async () => {
  const { guest, last } = await looking();
  const { readings: list, ...message } = readings(90, 0, reading(TAG.tagName, 170));
  guest.say("conflated", { ...message, readings: list, messages: 85, dropped: 84 });
  await until(() => last() === "170");
  expect(it.live.state.value.kind).toBe("slow");
  guest.say("readings", readings(91, 90, reading(TAG.tagName, 171)));
  await until(() => last() === "171");
});

test("another tenant's well and one that is none are both not found, and are not asked for again", async () => {
  it.live.wells.hold("well-1");
  const guest = await it.signedIn();
  await guest.next("subscribe-well");
  guest.say("error", { code: "FORBIDDEN_WELL", message: "there is no such well for you", wellId: "well-1" });
  await until(() => it.live.wells.feed("well-1").phase.value === "not-found");
});

test("a recorder keeps every reading, also the late ones that no screen shows", async () => {
  const recorder = it.live.wells.record("well-1", [TAG.tagName]);
  const { guest } = await looking();
  guest.say("readings", readings(6, 5, reading(TAG.tagName, 1, 60), reading(TAG.tagName, 2, 1)));
  guest.say("readings", readings(7, 6, reading(TAG.tagName, 3), reading("other", 9)));
  await until(() => recorder.points(TAG.tagName).length === 3);
  expect(recorder.points(TAG.tagName).map((one) => one.value)).toEqual([1, 2, 3]);
  expect(recorder.points("other")).toEqual([]);
  recorder.forgetBefore(Date.now() - 30_000);
  expect(recorder.points(TAG.tagName).map((one) => one.value)).toEqual([2, 3]);
});

test("a well is let go some seconds after the last one looked, not between two pages", async () => {
  const { guest, stop } = await looking();
  stop();
  const release = it.live.wells.hold("well-1");
  expect(guest.heard.some((one) => one.type === "unsubscribe-well")).toBe(false);
  release();
  expect(await guest.next("unsubscribe-well")).toMatchObject({ wellIds: ["well-1"] });
});
