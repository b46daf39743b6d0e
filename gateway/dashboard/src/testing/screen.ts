// A screen with a gateway of its own, for tests of the stores in src/live.

import { signal } from "@preact/signals";
import { expect, vi } from "vitest";
import { Live } from "../live/live.ts";
import { Client } from "../rest/client.ts";
import { type Answer, type Asked, answering } from "./answering.ts";
import { type Guest, TestGateway, makeSocket } from "./gateway.ts";

/** What REST answers, by path; anything else is empty. */
export type Paths = Record<string, (asked: Asked) => Answer>;

export async function screen(paths: Paths = {}) {
  const gateway = await TestGateway.start();
  const rest = await answering((asked) => paths[asked.url.pathname]?.(asked) ?? { status: 404 });
  const token = signal<string | null>("a token");
  const live = new Live({
    client: new Client({ base: rest.base, token: () => token.value }),
    session: { token, refused: async () => undefined },
    webSocketUrl: gateway.url,
    makeSocket,
  });
  live.start();
  return {
    gateway,
    live,
    rest,
    /** The next connection, signed in. */
    async signedIn(): Promise<Guest> {
      const guest = await gateway.guest();
      await guest.welcome();
      await until(() => live.socket.isOpen);
      return guest;
    },
    async stop(): Promise<void> {
      live.stop();
      await gateway.stop();
      await rest.close();
    },
  };
}

/** Waits for something that comes by itself. */
export async function until(holds: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 5 });
}

/** A reading of the feed; secondsAgo: how old it is. */
export function reading(tagName: string, value: number | null, secondsAgo = 0, more = {}) {
  const timestamp = new Date(Date.now() - secondsAgo * 1000).toISOString();
  return { tagName, value, quality: "GOOD", reason: null, timestamp, ...more };
}

/** A message of readings of the well. */
export function readings(seq: number, prev: number, ...list: ReturnType<typeof reading>[]) {
  return {
    epoch: "e",
    seq,
    prev,
    tenantId: "permian",
    wellId: "well-1",
    connectionId: "ops/plc",
    sourceProtocol: "modbus-tcp",
    receivedAt: new Date().toISOString(),
    stored: true,
    readings: list,
  };
}

/** The well's snapshot. */
export function subscribed(seq: number, ...latest: ReturnType<typeof reading>[]) {
  const positions = { "ops/plc": { epoch: "e", seq } };
  return { wellId: "well-1", source: "feed", resumed: false, positions, latest };
}

/** How its connection is. */
export function status(more: Record<string, unknown> = {}) {
  return {
    wellId: "well-1",
    connectionId: "ops/plc",
    sourceProtocol: "modbus-tcp",
    state: "connected",
    stale: false,
    reason: null,
    message: null,
    lastHeartbeat: new Date().toISOString(),
    storedSeq: 0,
    journalBatches: 0,
    journalBytes: 0,
    journalOldestS: 0,
    rejectedTags: 0,
    ...more,
  };
}
