import { type Signal, signal } from "@preact/signals";
import type { Alarm, AlarmEvent, Counts } from "../rest/types/alarms.ts";
import { type Stop, inFrame, report } from "./frame-loop.ts";
import type { Socket } from "./socket.ts";

const KEY = "alarms";

/** The tenant's alarms, all that are not normal. Always subscribed: the banner is on every page. */
export class Alarms {
  /** In no order; a new list at most once a frame. */
  readonly all: Signal<readonly Alarm[]> = signal([]);
  readonly counts: Signal<Counts | null> = signal(null);
  /** False: the database cannot be read now, so nothing can be acknowledged. */
  readonly current: Signal<boolean> = signal(false);
  /** When the gateway read the database last; null: never. */
  readonly asOf: Signal<string | null> = signal(null);
  /** Whether they were heard at all since the page was opened. */
  readonly isLoaded: Signal<boolean> = signal(false);
  /** Called when the gateway had to put messages together for this screen. */
  onSlow: () => void = () => undefined;

  readonly #byId = new Map<string, Alarm>();
  readonly #listeners = new Set<(alarm: Alarm, event: AlarmEvent | null) => void>();
  readonly #socket: Socket;
  #eventNo = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.want(KEY, { type: "subscribe-alarms" });
    socket.on("alarms", (message) => {
      socket.met(KEY);
      this.#eventNo = message.eventNo;
      this.current.value = message.current;
      this.asOf.value = message.asOf;
      this.#byId.clear();
      for (const alarm of message.alarms) this.#byId.set(alarm.alarmId, alarm);
      this.isLoaded.value = true;
      this.#publish(); // at once: the page waits for it
    });
    socket.on("alarm", (message) => this.#change(message));
    socket.on("alarms-conflated", (message) => {
      this.onSlow();
      this.#eventNo = Math.max(this.#eventNo, message.eventNo);
      for (const alarm of message.alarms) this.#put(alarm);
      inFrame(this.#publish);
    });
    socket.on("alarm-counts", (message) => {
      this.counts.value = message.counts;
      this.current.value = message.current;
      this.asOf.value = message.asOf;
    });
  }

  /** The alarm as it is now; null: it is normal, or none of this tenant's. */
  get(alarmId: string): Alarm | null {
    return this.#byId.get(alarmId) ?? null;
  }

  /** Calls with each thing that happens, in order. event null: something unconfirmed changed. */
  onEvent(tell: (alarm: Alarm, event: AlarmEvent | null) => void): Stop {
    this.#listeners.add(tell);
    return () => void this.#listeners.delete(tell);
  }

  #change(message: Alarm & { event: AlarmEvent | null }): void {
    const { event, ...rest } = message;
    const alarm: Alarm = rest;
    delete (alarm as Alarm & { type?: string }).type;
    if (event !== null) {
      if (event.eventNo <= this.#eventNo) return;
      if (event.eventNo !== this.#eventNo + 1) {
        this.#socket.again(KEY); // something was not told: the whole list comes anew
        return;
      }
      this.#eventNo = event.eventNo;
    }
    this.#put(alarm);
    inFrame(this.#publish);
    for (const tell of this.#listeners) {
      try {
        tell(alarm, event);
      } catch (error) {
        report(error);
      }
    }
  }

  #put(alarm: Alarm): void {
    if (alarm.state === "normal") this.#byId.delete(alarm.alarmId);
    else this.#byId.set(alarm.alarmId, alarm);
  }

  readonly #publish = (): void => {
    this.all.value = [...this.#byId.values()];
  };
}
