import { type Signal, signal } from "@preact/signals";
import type { Person } from "./messages.ts";
import type { Socket } from "./socket.ts";

const KEY = "presence";

/** Who else is on a well's control panel now. */
export class Presence {
  /** The others on the panel where this screen is; empty elsewhere. */
  readonly people: Signal<readonly Person[]> = signal([]);
  readonly #socket: Socket;
  #wellId: string | null = null;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("presence", (message) => {
      if (message.wellId !== this.#wellId) return;
      socket.met(KEY);
      const me = socket.who.peek()?.clientId;
      this.people.value = message.people.filter((one) => one.clientId !== me);
    });
    socket.link.subscribe((link) => {
      if (link.phase !== "open") this.people.value = []; // nobody can say who is there
    });
  }

  /** This screen shows that well's panel; null: none any more. */
  at(wellId: string | null): void {
    if (wellId === this.#wellId) return;
    this.#wellId = wellId;
    this.people.value = [];
    if (wellId === null) this.#socket.drop(KEY, { type: "presence", wellId: null });
    else this.#socket.want(KEY, { type: "presence", wellId });
  }
}
