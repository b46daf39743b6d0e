// Small trends of the rows in sight: asked for together, kept, and asked again rarely.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { client } from "../../frame/gateway.ts";
import { penOf } from "../../model/links.ts";
import { msOf } from "../../model/times.ts";
import type { SparkColumns } from "../../parts/spark-shape.ts";
import { ProblemError } from "../../rest/problem.ts";

export const SPARK_HOURS = 8;
const COLUMNS = 48;
const AT_ONCE = 60;
const SETTLE_MS = 250;
const FRESH_MS = 120_000;
const CHECK_MS = 15_000;
const KEPT = 1_000;

interface Kept {
  columns: SparkColumns | null;
  askedMs: number;
}

const kept = new Map<string, Kept>();

/** Of pens as penText writes them; undefined: not asked yet. */
export function useSparks(pens: readonly string[], isOff: boolean): (pen: string) => SparkColumns | null {
  const version = useSignal(0);
  const wanted = pens.join("\n");
  useEffect(() => {
    if (isOff) return;
    const controller = new AbortController();
    const ask = () =>
      void load(wanted.split("\n").filter(isDue), controller.signal).then((isNew) => {
        if (isNew && !controller.signal.aborted) version.value += 1;
      });
    const soon = setTimeout(ask, SETTLE_MS);
    const again = setInterval(ask, CHECK_MS);
    return () => {
      clearTimeout(soon);
      clearInterval(again);
      controller.abort();
    };
  }, [wanted, isOff]);
  void version.value;
  return (pen) => kept.get(pen)?.columns ?? null;
}

function isDue(pen: string): boolean {
  const known = kept.get(pen);
  return pen !== "" && (known === undefined || performance.now() - known.askedMs > FRESH_MS);
}

async function load(pens: readonly string[], signal: AbortSignal): Promise<boolean> {
  let isNew = false;
  for (let at = 0; at < pens.length; at += AT_ONCE) {
    const pen = pens.slice(at, at + AT_ONCE);
    try {
      const { sparks, start, columnS } = await client.sparks({ pen, hours: SPARK_HOURS, columns: COLUMNS }, { signal });
      const askedMs = performance.now();
      const range = { fromMs: msOf(start), toMs: msOf(start) + COLUMNS * columnS * 1000 };
      for (const one of pen) {
        const { wellId, tagName } = penOf(one) ?? { wellId: "", tagName: "" };
        const found = sparks.find((spark) => spark.wellId === wellId && spark.tagName === tagName);
        keep(one, { columns: found === undefined ? null : { ...found, ...range }, askedMs });
      }
      isNew = true;
    } catch (error) {
      if (error instanceof ProblemError) return isNew; // the small trend stays as it was; asked again
      if (signal.aborted) return isNew;
      throw error;
    }
  }
  return isNew;
}

function keep(pen: string, value: Kept): void {
  kept.delete(pen);
  kept.set(pen, value);
  const oldest = kept.keys().next().value;
  if (kept.size > KEPT && oldest !== undefined) kept.delete(oldest);
}
