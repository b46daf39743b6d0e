import { signal } from "@preact/signals";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Guest, TestGateway, makeSocket } from "../testing/gateway.ts";
import { skewMs } from "./clock.ts";
import { Socket } from "./socket.ts";

vi.setConfig({ testTimeout: 30_000 });

let gateway: TestGateway;
let socket: Socket;
const token = signal<string | null>("first");
const refused: string[] = [];

beforeEach(async () => {
  gateway = await TestGateway.start();
  token.value = "first";
  refused.length = 0;
  socket = new Socket({
    url: () => gateway.url,
    token,
    onRefused: (sentence) => refused.push(sentence),
    makeSocket,
    lookMs: 20,
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  socket.stop();
  await gateway.stop();
});

async function signedIn(): Promise<Guest> {
  const guest = await gateway.guest();
  await guest.welcome();
  await until(() => socket.isOpen);
  return guest;
}

async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 5 });
}

describe("signing in", () => {
  test("the token is the first thing that is said, and never part of the address", async () => {
    socket.want("alarms", { type: "subscribe-alarms" });
    socket.start();
    const guest = await gateway.guest();
    await guest.welcome();
    await guest.next("subscribe-alarms");
    expect(guest.heard[0]).toEqual({ type: "auth", token: "first" });
    expect(gateway.url).not.toContain("first");
    expect(socket.who.value?.tenantId).toBe("permian");
  });

  test("a new token is shown on the same connection", async () => {
    socket.start();
    const guest = await signedIn();
    await Promise.resolve();
    token.value = "second";
    expect(await guest.next("auth")).toEqual({ type: "auth", token: "second" });
    expect(guest.isOpen).toBe(true);
  });

  test("another person's token takes another connection", async () => {
    socket.start();
    const guest = await signedIn();
    token.value = "somebody else's";
    await guest.next("auth");
    guest.say("error", { code: "AUTH_FAILED", message: "this token is of another person" });
    const other = await gateway.guest();
    expect(await other.next("auth")).toMatchObject({ token: "somebody else's" });
  });

  test.each([4001, 4002])("closed with %d, it asks for a token and does not try by itself", async (code) => {
    socket.start();
    (await signedIn()).close(code);
    await until(() => socket.link.value.phase === "signed-out");
    expect(refused).toHaveLength(1);
    expect(socket.link.value.nextTryMs).toBeNull();
    token.value = "renewed";
    expect(await (await gateway.guest()).next("auth")).toMatchObject({ token: "renewed" });
  });

  test("signing out closes it", async () => {
    socket.start();
    const guest = await signedIn();
    token.value = null;
    await until(() => !guest.isOpen);
    expect(socket.link.value.phase).toBe("signed-out");
  });

  test("the gateway's clock is the one that counts", async () => {
    socket.start();
    const guest = await gateway.guest();
    await guest.welcome({ serverTime: new Date(Date.now() - 60_000).toISOString() });
    await until(() => socket.isOpen);
    expect(skewMs.value).toBeLessThan(-50_000);
    skewMs.value = 0;
  });
});

describe("when the connection is lost", () => {
  test("it says since when and until when, and comes back by itself", async () => {
    socket.start();
    const guest = await signedIn();
    guest.cut();
    await until(() => socket.link.value.phase === "waiting");
    const { sinceMs, nextTryMs, why } = socket.link.value;
    expect(nextTryMs).toBeGreaterThanOrEqual(sinceMs);
    expect(why).toBe("The gateway cannot be reached.");
    await signedIn();
    expect(socket.link.value).toMatchObject({ phase: "open", why: null });
  });

  test("the outage goes on while it is tried, also where that fails", async () => {
    socket.start();
    (await signedIn()).cut();
    await until(() => socket.link.value.phase === "waiting");
    const { sinceMs } = socket.link.value;
    (await gateway.guest()).cut();
    await until(() => socket.link.value.phase === "waiting");
    (await gateway.guest()).cut();
    await until(() => socket.link.value.phase === "waiting");
    expect(socket.link.value.sinceMs).toBe(sinceMs);
  });

  test("a person can have it tried now", async () => {
    socket.start();
    (await signedIn()).close(1013); // half a minute at least
    await until(() => socket.link.value.phase === "waiting");
    socket.tryNow();
    await signedIn();
  });

  test("everything that is wanted is asked for again, many wells in one message", async () => {
    for (const well of ["a", "b", "c"]) {
      socket.want(`well ${well}`, { type: "subscribe-well", wellIds: [well] });
    }
    socket.want("commands", { type: "subscribe-commands" });
    socket.start();
    const first = await signedIn();
    expect(await first.next("subscribe-well")).toMatchObject({ wellIds: ["a", "b", "c"] });
    for (const well of ["a", "b", "c"]) socket.met(`well ${well}`);
    socket.drop("well b", { type: "unsubscribe-well", wellIds: ["b"] });
    expect(await first.next("unsubscribe-well")).toMatchObject({ wellIds: ["b"] });
    first.cut();
    const second = await signedIn();
    expect(await second.next("subscribe-well")).toMatchObject({ wellIds: ["a", "c"] });
    await second.next("subscribe-commands");
  });
});

describe("what is not answered", () => {
  test("because of the rate is asked again when the gateway says", async () => {
    socket.want("alarms", { type: "subscribe-alarms" });
    socket.start();
    const guest = await signedIn();
    await guest.next("subscribe-alarms");
    guest.say("error", { code: "RATE_LIMITED", message: "too many", retryAfterS: 0.05 });
    await guest.next("subscribe-alarms");
  });

  test("is asked again after a while, and what was answered is not", async () => {
    socket.want("alarms", { type: "subscribe-alarms" });
    socket.want("overview", { type: "subscribe-overview" });
    socket.start();
    const guest = await signedIn();
    await guest.next("subscribe-alarms");
    await guest.next("subscribe-overview");
    socket.met("overview");
    const real = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => real() + 9_000); // 8 s of silence have passed
    await guest.next("subscribe-alarms");
    expect(guest.heard.filter((one) => one.type === "subscribe-overview")).toHaveLength(1);
  });
});

describe("a connection that dies without a word", () => {
  test("is asked whether it lives, and given up when nothing comes", async () => {
    socket.start();
    const guest = await signedIn();
    const real = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => real() + 11_000);
    await guest.next("getStats");
    vi.spyOn(Date, "now").mockImplementation(() => real() + 18_000);
    await until(() => socket.link.value.phase !== "open");
  });
});

test("a message that cannot be read, or that nobody knows, does no harm; nor does a part that fails", async () => {
  const silenced = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const heard: string[] = [];
  socket.on("alarm-counts", () => {
    throw new Error("a broken part");
  });
  socket.on("alarm-counts", () => heard.push("counts"));
  socket.start();
  const guest = await signedIn();
  guest.say("something-new", { x: 1 });
  guest.say("alarm-counts", {});
  await until(() => heard.length === 1);
  expect(socket.isOpen).toBe(true);
  expect(silenced).toHaveBeenCalledOnce();
});
