import { afterEach, describe, expect, test, vi } from "vitest";
import type { Alarm } from "../rest/types/alarms.ts";
import { sampleAlarm, sampleCommand, sampleEvent, sampleStep, sampleTag } from "../testing/samples.ts";
import { type Paths, screen, until } from "../testing/screen.ts";

vi.setConfig({ testTimeout: 30_000 });

let it: Awaited<ReturnType<typeof screen>>;
afterEach(() => it.stop());

async function begin(paths: Paths = {}) {
  it = await screen(paths);
  return it;
}

describe("alarms", () => {
  const list = (...alarms: Alarm[]) => ({ asOf: "now", eventNo: 4, current: true, resumed: false, alarms });
  const change = (eventNo: number, more: Partial<Alarm>) => ({
    ...sampleAlarm(more),
    event: sampleEvent({ eventNo, alarmId: more.alarmId ?? "a1" }),
  });
  const ids = () => it.live.alarms.all.value.map((one) => one.alarmId).sort();

  async function subscribed() {
    await begin();
    const guest = await it.signedIn();
    await guest.next("subscribe-alarms");
    guest.say("alarms", list(sampleAlarm()));
    await until(() => it.live.alarms.isLoaded.value);
    return guest;
  }

  test("come as a list, then one by one, and go when they are normal", async () => {
    const guest = await subscribed();
    const told: string[] = [];
    it.live.alarms.onEvent((alarm, event) => told.push(`${alarm.alarmId} ${event?.kind}`));
    guest.say("alarm", change(5, { alarmId: "a2" }));
    await until(() => ids().join() === "a1,a2");
    guest.say("alarm", change(6, { alarmId: "a1", state: "normal" }));
    await until(() => ids().join() === "a2");
    expect(told).toEqual(["a2 raised", "a1 raised"]);
    expect(it.live.alarms.get("a2")).not.toHaveProperty("type");
  });

  test("are shown before they are stored, without counting as an event", async () => {
    const guest = await subscribed();
    guest.say("alarm", { ...sampleAlarm({ alarmId: "a3", confirmed: false }), event: null });
    await until(() => it.live.alarms.get("a3")?.confirmed === false);
    guest.say("alarm", change(5, { alarmId: "a3" }));
    await until(() => it.live.alarms.get("a3")?.confirmed === true);
  });

  test("of which one was not told are asked for as a whole again", async () => {
    const guest = await subscribed();
    guest.say("alarm", change(7, { alarmId: "a9" }));
    await guest.next("subscribe-alarms");
    guest.say("alarms", { ...list(sampleAlarm({ alarmId: "b" })), eventNo: 7, resumed: true });
    await until(() => ids().join() === "b");
  });

  test("told twice happen once", async () => {
    const guest = await subscribed();
    const told: number[] = [];
    it.live.alarms.onEvent((_, event) => told.push(event?.eventNo ?? 0));
    for (const eventNo of [5, 5, 4, 6]) guest.say("alarm", change(eventNo, { alarmId: "a2" }));
    await until(() => told.includes(6));
    expect(told).toEqual([5, 6]);
  });

  test("that were too many for this screen come put together, and it is slow", async () => {
    const guest = await subscribed();
    guest.say("alarms-conflated", { eventNo: 60, messages: 56, alarms: [sampleAlarm({ alarmId: "z" })] });
    await until(() => ids().includes("z"));
    expect(it.live.state.value.kind).toBe("slow");
    guest.say("alarm", change(61, { alarmId: "z2" }));
    await until(() => ids().includes("z2"));
  });
});

describe("commands", () => {
  const shown = (changeNo: number, ...commands: ReturnType<typeof sampleCommand>[]) => ({
    asOf: "now",
    wellId: null,
    changeNo,
    commands,
  });

  test("of a well are followed step by step", async () => {
    await begin();
    const release = it.live.commands.hold("well-1");
    const guest = await it.signedIn();
    expect(await guest.next("subscribe-commands")).toMatchObject({ wellId: "well-1" });
    guest.say("commands", shown(10, sampleCommand({ changeNo: 9 })));
    for (const [at, state] of (["sent", "accepted", "verified"] as const).entries()) {
      const changeNo = 11 + at * 3; // other wells' changes lie between
      const command = sampleCommand({ state, changeNo, running: state !== "verified" });
      guest.say("command", { changeNo, step: sampleStep(state, changeNo), command });
    }
    await until(() => it.live.commands.all.value[0]?.state === "verified");
    expect(it.live.commands.steps.value.get("c1")?.map((one) => one.state)).toEqual(["sent", "accepted", "verified"]);
    expect(guest.heard.filter((one) => one.type === "subscribe-commands")).toHaveLength(1);
    release();
  });

  test("of two wells are those of all", async () => {
    await begin();
    it.live.commands.hold("well-1");
    const guest = await it.signedIn();
    await guest.next("subscribe-commands");
    it.live.commands.hold("well-2");
    expect(await guest.next("subscribe-commands")).not.toHaveProperty("wellId");
  });

  test("of all, with a step that was not told, are asked for again", async () => {
    await begin();
    it.live.commands.hold(null);
    const guest = await it.signedIn();
    await guest.next("subscribe-commands");
    guest.say("commands", shown(10));
    guest.say("command", { changeNo: 12, step: sampleStep("sent", 12), command: sampleCommand({ changeNo: 12 }) });
    await guest.next("subscribe-commands");
  });

  test("that REST answered are there before the feed tells them, and not put back by it", async () => {
    await begin();
    const command = sampleCommand({ state: "validated", changeNo: 20 });
    it.live.commands.take({ asOf: "now", command, steps: [sampleStep("requested", 19), sampleStep("validated", 20)] });
    it.live.commands.hold(null);
    const guest = await it.signedIn();
    await guest.next("subscribe-commands");
    guest.say("commands", shown(20, sampleCommand({ state: "requested", changeNo: 19 })));
    await until(() => it.live.commands.isLoaded.value);
    expect(it.live.commands.all.value[0]?.state).toBe("validated");
  });
});

describe("the overview", () => {
  const now = () => new Date().toISOString();
  const good = (value: number) => [value, "GOOD", null, now()];
  const UP = { connectionId: "ops/plc", state: "connected", stale: false };
  const row = (wellId: string, ...values: unknown[]) => ({
    wellId,
    values,
    counts: { good: values.length, uncertain: 0, bad: 0 },
    worst: null,
    connections: [UP],
  });
  const facts = (...wellIds: string[]) => ({
    body: {
      asOf: now(),
      wells: wellIds.map((wellId) => ({
        wellId,
        title: "",
        type: "",
        pad: "",
        route: "",
        timeZone: "",
        keys: [sampleTag({ unit: "psi" }), sampleTag({ tagName: "tubing_pressure", unit: "psi" })],
        connectionIds: ["ops/plc"],
        tags: 2,
      })),
    },
  });

  async function looking() {
    const wells = ["w1", "w2"];
    await begin({ "/api/scada/overview": () => facts(...wells) });
    const release = it.live.overview.hold();
    const guest = await it.signedIn();
    await guest.next("subscribe-overview");
    guest.say("overview", { asOf: now(), wells: [row("w1", good(1), null), row("w2", good(3), good(4))] });
    await until(() => it.live.overview.wells.value?.length === 2 && it.live.overview.row("w2") !== null);
    return { guest, release, wells };
  }

  test("shows each key value, and NO DATA where there is none", async () => {
    await looking();
    expect(it.live.overview.shown("w1", 0)).toMatchObject({ text: "1", unit: "psi", mark: "good" });
    expect(it.live.overview.shown("w1", 1).mark).toBe("none");
    expect(it.live.overview.shown("w1", 9).mark).toBe("unmapped");
  });

  test("takes only what changed, and tells whoever watches that row", async () => {
    const { guest } = await looking();
    const told: (unknown[] | undefined)[] = [];
    it.live.overview.watchRow("w2", (one) => told.push(one?.values.map((value) => value?.[0])));
    guest.say("overview-changes", { asOf: now(), wells: [{ wellId: "w2", values: { "1": good(44) } }] });
    await until(() => told.some((one) => one?.join() === "3,44"));
    expect(it.live.overview.row("w2")?.counts.good).toBe(2);
  });

  test("a well whose only connection is lost is STALE with its last values", async () => {
    const { guest } = await looking();
    const silent = [null, "BAD", "comm_failure", now()];
    const connections = [{ ...UP, stale: true }];
    guest.say("overview-changes", { asOf: now(), wells: [{ wellId: "w1", values: { "0": silent }, connections }] });
    await until(() => it.live.overview.shown("w1", 0).mark === "stale");
    expect(it.live.overview.shown("w1", 0)).toMatchObject({ text: "1", label: expect.stringMatching(/^STALE/) });
  });

  test("is STALE as a whole when the gateway is lost", async () => {
    const { guest } = await looking();
    guest.cut();
    await until(() => it.live.overview.shown("w2", 0).mark === "stale");
    expect(it.live.overview.shown("w2", 0).text).toBe("3");
  });

  test("asks for the wells again when there is one that it does not know", async () => {
    const { guest, wells } = await looking();
    wells.push("w3");
    guest.say("overview", { asOf: now(), resumed: true, wells: wells.map((one) => row(one, good(1), good(2))) });
    await until(() => it.live.overview.wells.value?.length === 3);
  });

  test("says that the wells could not be had", async () => {
    await begin();
    it.live.overview.hold();
    await until(() => it.live.overview.problem.value !== null);
    expect(it.live.overview.problem.value?.status).toBe(404);
  });

  test("goes from revision to revision at most each half second, however much changes", async () => {
    const { guest } = await looking();
    const before = it.live.overview.revision.value;
    const begunMs = Date.now();
    for (let n = 0; n < 50; n++) {
      guest.say("overview-changes", { asOf: now(), wells: [{ wellId: "w1", values: { "0": good(n) } }] });
    }
    await until(() => it.live.overview.row("w1")?.values[0]?.[0] === 49);
    await until(() => it.live.overview.revision.value > before);
    const most = (Date.now() - begunMs) / 500 + 1;
    expect(it.live.overview.revision.value - before).toBeLessThanOrEqual(most);
  });
});

describe("who else is here", () => {
  const person = (clientId: string) => ({ clientId, subject: clientId, email: null, role: "operator", since: "now" });

  test("are the others on this panel, not this screen and not another panel's", async () => {
    await begin();
    it.live.presence.at("well-1");
    const guest = await it.signedIn();
    expect(await guest.next("presence")).toMatchObject({ wellId: "well-1" });
    guest.say("presence", { wellId: "well-1", people: [person("me"), person("bob")] });
    await until(() => it.live.presence.people.value.length === 1);
    expect(it.live.presence.people.value[0]?.subject).toBe("bob");
    guest.say("presence", { wellId: "well-2", people: [person("eve")] });
    it.live.presence.at(null);
    expect(await guest.next("presence")).toMatchObject({ wellId: null });
    expect(it.live.presence.people.value).toEqual([]);
  });
});

describe("connections", () => {
  const one = (more = {}) => ({ connectionId: "ops/plc", state: "connected", wells: ["w"], ...more });

  test("come live, and keep the strip of the last day that REST told", async () => {
    const strip = { start: "now", columnS: 900, states: ["connected"] };
    await begin({ "/api/scada/connections": () => ({ body: { asOf: "now", connections: [one({ strip })] } }) });
    it.live.connections.hold();
    const guest = await it.signedIn();
    await guest.next("subscribe-connections");
    await until(() => it.live.connections.all.value?.length === 1);
    guest.say("connection", one({ state: "disconnected" }));
    await until(() => it.live.connections.all.value?.[0]?.state === "disconnected");
    expect(it.live.connections.all.value?.[0]).toMatchObject({ strip: { columnS: 900 } });
    guest.say("connections", { asOf: "later", connections: [one({ connectionId: "ops/new" })] });
    await until(() => it.live.connections.all.value?.[0]?.connectionId === "ops/new");
    expect(it.live.connections.all.value).toHaveLength(1);
  });
});

test("a screen that was just opened connects; only one that was connected is offline", async () => {
  await begin();
  expect(it.live.state.value.kind).toBe("connecting");
  const guest = await it.signedIn();
  expect(it.live.state.value.kind).toBe("live");
  guest.cut();
  await until(() => it.live.state.value.kind === "offline");
  expect(it.live.state.value.why).not.toBeNull();
});
