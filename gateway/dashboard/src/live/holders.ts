// Counts who looks at something, and lets go a little after the last one has left: going from
// one page to the next must not subscribe anew.

import type { Stop } from "./frame-loop.ts";

const LINGER_MS = 5_000;

export class Holders {
  readonly #first: () => void;
  readonly #last: () => void;
  #count = 0;
  #leaving: ReturnType<typeof setTimeout> | undefined;

  /** first: somebody looks; last: nobody does any more. They are called in turn. */
  constructor(first: () => void, last: () => void) {
    this.#first = first;
    this.#last = last;
  }

  /** Whether it is held, or was until just now. */
  get isHeld(): boolean {
    return this.#count > 0 || this.#leaving !== undefined;
  }

  /** Looks at it until the answer is called; calling that twice does no harm. */
  hold(): Stop {
    if (this.#leaving !== undefined) {
      clearTimeout(this.#leaving);
      this.#leaving = undefined;
      this.#count = 1;
    } else {
      this.#count += 1;
      if (this.#count === 1) this.#first();
    }
    let isHolding = true;
    return () => {
      if (!isHolding) return;
      isHolding = false;
      this.#count -= 1;
      if (this.#count > 0) return;
      this.#leaving = setTimeout(() => {
        this.#leaving = undefined;
        this.#last();
      }, LINGER_MS);
    };
  }
}
