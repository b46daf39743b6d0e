// A question to the gateway that belongs to a component: asked when it appears and when it changes.

import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";

export interface Asked<A> {
  /** The newest answer to this very question; null until there is one. */
  answer: A | null;
  /** Why the last try failed; the answer before it stays. */
  error: unknown;
  /** On its way now. */
  isAsking: boolean;
  /** Asks again, keeping what is shown until the answer is there. */
  again: () => void;
}

/** Asks whenever question changes; null asks nothing. An answer that is no longer wanted is dropped. */
export function useAnswer<A>(
  question: string | null,
  ask: (signal: AbortSignal) => Promise<A>,
): Asked<A> {
  const state = useSignal<{
    question: string | null;
    answer: A | null;
    error: unknown;
    isAsking: boolean;
  }>({
    question: null,
    answer: null,
    error: null,
    isAsking: question !== null,
  });
  const latest = useRef(ask);
  latest.current = ask;
  const running = useRef<AbortController | null>(null);

  const again = useCallback(() => {
    running.current?.abort();
    if (question === null) return;
    const controller = new AbortController();
    running.current = controller;
    const before = state.peek();
    state.value = {
      ...before,
      isAsking: true,
      ...(before.question === question ? {} : { question, answer: null, error: null }),
    };
    latest.current(controller.signal).then(
      (answer) => {
        if (!controller.signal.aborted)
          state.value = { question, answer, error: null, isAsking: false };
      },
      (error: unknown) => {
        if (!controller.signal.aborted) state.value = { ...state.peek(), error, isAsking: false };
      },
    );
  }, [question]);

  useEffect(() => {
    again();
    return () => running.current?.abort();
  }, [again]);

  const { question: of, answer, error, isAsking } = state.value;
  return of === question
    ? { answer, error, isAsking, again }
    : { answer: null, error: null, isAsking: question !== null, again };
}
