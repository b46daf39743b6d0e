// One loop for everything that changes on its own: values bypass the framework and are written in
// one animation frame, all together; ages go on once a second.

export type Stop = () => void;
type Task = () => void;

const HIDDEN_MS = 1_000;
const TICK_MS = 1_000;

const waiting = new Set<Task>();
const ticking = new Set<Task>();
let isBooked = false;
let ticker: ReturnType<typeof setInterval> | undefined;

/** Does it in the next frame, once, however often it is asked for until then. */
export function inFrame(task: Task): void {
  waiting.add(task);
  if (isBooked) return;
  isBooked = true;
  book(flush);
}

/** Does it in a frame once a second, until stopped. */
export function everySecond(task: Task): Stop {
  ticking.add(task);
  ticker ??= setInterval(tick, TICK_MS);
  return () => {
    ticking.delete(task);
    waiting.delete(task);
    if (ticking.size === 0) {
      clearInterval(ticker);
      ticker = undefined;
    }
  };
}

/** Forgets what was asked for and not done. */
export function notInFrame(task: Task): void {
  waiting.delete(task);
}

/** Where faults of this screen go: the browser's console, and whoever listens to its errors. */
export function report(error: unknown): void {
  if (typeof reportError === "function") reportError(error);
  else console.error(error);
}

function tick(): void {
  for (const task of ticking) inFrame(task);
}

function flush(): void {
  isBooked = false;
  const tasks = [...waiting];
  waiting.clear();
  for (const task of tasks) {
    try {
      task();
    } catch (error) {
      report(error); // one broken part of a page must not stop all others
    }
  }
}

/** A hidden page gets no frames; it is kept up to date all the same, more slowly. */
function book(run: () => void): void {
  const isHidden = typeof document === "undefined" || document.visibilityState === "hidden";
  if (!isHidden && typeof requestAnimationFrame === "function") requestAnimationFrame(run);
  else setTimeout(run, typeof document === "undefined" ? 16 : HIDDEN_MS);
}
