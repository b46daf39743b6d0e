import { type Signal, signal } from "@preact/signals";
import { withCommand } from "../model/commands.ts";
import type { Command, CommandAnswer, CommandStep } from "../rest/types/commands.ts";
import type { Stop } from "./frame-loop.ts";
import { Holders } from "./holders.ts";
import type { Socket } from "./socket.ts";

const KEY = "commands";
const LIST_MAX = 500;

/** Commands that run and the last ones, while somebody looks: of one well, or of all. */
export class Commands {
  /** The newest first. */
  readonly all: Signal<readonly Command[]> = signal([]);
  /** The steps that are known of each command, by its id, in their order. */
  readonly steps: Signal<ReadonlyMap<string, readonly CommandStep[]>> = signal(new Map());
  /** Whether the list was heard since it is held. */
  readonly isLoaded: Signal<boolean> = signal(false);

  readonly #socket: Socket;
  readonly #holders: Holders;
  /** Wells that are looked at, and how often; "" is all. */
  readonly #wanted = new Map<string, number>();
  #wellId: string | null | undefined;
  #changeNo = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#holders = new Holders(
      () => undefined,
      () => {
        socket.drop(KEY, { type: "unsubscribe-commands" });
        this.#wellId = undefined;
        this.isLoaded.value = false;
      },
    );
    socket.on("commands", (message) => {
      socket.met(KEY);
      this.#changeNo = message.changeNo;
      let list: readonly Command[] = this.all.peek();
      for (const command of message.commands) list = withCommand(list, command);
      this.all.value = list.slice(0, LIST_MAX);
      this.isLoaded.value = true;
    });
    socket.on("command", ({ changeNo, step, command }) => {
      if (changeNo <= this.#changeNo) return;
      const isHole = this.#wellId === null && changeNo !== this.#changeNo + 1;
      this.#changeNo = changeNo;
      this.#put(command, [step]);
      if (isHole) socket.again(KEY);
    });
  }

  /** Follows the commands of a well, or of all with null. */
  hold(wellId: string | null): Stop {
    const name = wellId ?? "";
    this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + 1);
    const release = this.#holders.hold();
    this.#choose();
    let isHolding = true;
    return () => {
      if (!isHolding) return;
      isHolding = false;
      const left = (this.#wanted.get(name) ?? 1) - 1;
      if (left > 0) this.#wanted.set(name, left);
      else this.#wanted.delete(name);
      release();
      if (this.#wanted.size > 0) this.#choose();
    };
  }

  /** Takes what REST answered, so that it is shown before the feed tells it. */
  take(answer: CommandAnswer): void {
    this.#put(answer.command, answer.steps);
  }

  /** The commands of a well, the newest first. */
  ofWell(wellId: string): Command[] {
    return this.all.value.filter((one) => one.wellId === wellId);
  }

  /** One subscription a connection: of the only well that is looked at, else of all. */
  #choose(): void {
    const names = [...this.#wanted.keys()];
    const only = names.length === 1 && names[0] !== "" ? (names[0] as string) : null;
    if (only === this.#wellId) return;
    this.#wellId = only;
    this.isLoaded.value = false;
    this.#socket.want(
      KEY,
      only === null
        ? { type: "subscribe-commands" }
        : { type: "subscribe-commands", wellId: only },
    );
  }

  #put(command: Command, steps: readonly CommandStep[]): void {
    this.all.value = withCommand(this.all.peek(), command).slice(0, LIST_MAX);
    const known = this.steps.peek().get(command.commandId) ?? [];
    const fresh = steps.filter((step) => !known.some((one) => one.changeNo === step.changeNo));
    if (fresh.length === 0) return;
    const ordered = [...known, ...fresh].sort((a, b) => a.changeNo - b.changeNo);
    this.steps.value = new Map(this.steps.peek()).set(command.commandId, ordered);
  }
}
