import { type Signal, signal } from "@preact/signals";
import type { Client } from "../rest/client.ts";
import { ProblemError } from "../rest/problem.ts";
import type { Connection } from "../rest/types/connections.ts";
import type { Stop } from "./frame-loop.ts";
import { Holders } from "./holders.ts";
import type { Socket } from "./socket.ts";

const KEY = "connections";
const STRIP_MS = 60_000;

/** The tenant's connections while somebody looks: live, with the strip of the last day from REST. */
export class Connections {
  /** In no order; null before the first answer. */
  readonly all: Signal<readonly Connection[] | null> = signal(null);
  readonly asOf: Signal<string | null> = signal(null);
  readonly problem: Signal<ProblemError | null> = signal(null);

  readonly #client: Client;
  readonly #socket: Socket;
  readonly #holders: Holders;
  readonly #byId = new Map<string, Connection>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(socket: Socket, client: Client) {
    this.#socket = socket;
    this.#client = client;
    this.#holders = new Holders(
      () => this.#begin(),
      () => this.#end(),
    );
    socket.on("connections", (message) => {
      socket.met(KEY);
      this.asOf.value = message.asOf;
      const there = new Set(message.connections.map((one) => one.connectionId));
      for (const name of this.#byId.keys()) if (!there.has(name)) this.#byId.delete(name);
      this.#put(message.connections);
    });
    socket.on("connection", (connection) => this.#put([connection]));
    socket.on("connection-beats", (message) => {
      this.asOf.value = message.asOf;
      this.#put(
        message.beats.flatMap(([name, lastHeartbeat, lastReadingAt, batches, bytes, oldestS]) => {
          const known = this.#byId.get(name);
          if (known === undefined) return [];
          const journal = { ...known.journal, batches, bytes, oldestS };
          return [{ ...known, lastHeartbeat, lastReadingAt, journal }];
        }),
      );
    });
  }

  hold(): Stop {
    return this.#holders.hold();
  }

  /** Asks REST again, for strips and for what the feed does not tell. */
  async load(): Promise<void> {
    try {
      const answer = await this.#client.connections();
      this.asOf.value = answer.asOf;
      this.#byId.clear();
      this.#put(answer.connections);
      this.problem.value = null;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.problem.value = error;
    }
  }

  #begin(): void {
    this.#socket.want(KEY, { type: "subscribe-connections" });
    void this.load();
    this.#timer = setInterval(() => void this.load(), STRIP_MS);
  }

  #end(): void {
    clearInterval(this.#timer);
    this.#socket.drop(KEY, { type: "unsubscribe-connections" });
  }

  #put(connections: readonly Connection[]): void {
    for (const told of connections) {
      const { type: _, ...connection } = told as Connection & { type?: string };
      const strip = connection.strip ?? this.#byId.get(connection.connectionId)?.strip;
      this.#byId.set(
        connection.connectionId,
        strip === undefined ? connection : { ...connection, strip },
      );
    }
    this.all.value = [...this.#byId.values()];
  }
}
