import { expect, it } from "vitest";
import { DAY_MS } from "../../model/times.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import { newestBefore } from "./well-data.ts";

const HOUR_MS = 3_600_000;
const NOW = Date.parse("2026-03-12T14:00:00Z");
const READ_AT = NOW - 40 * 60_000;

/** As the gateway answers: long ranges in buckets whose times are their middles, short ones in readings. */
function answers(at: number | null) {
  const asked: number[] = [];
  const ask = async ({ fromMs, toMs }: { fromMs: number; toMs: number }): Promise<PointsAnswer> => {
    asked.push(toMs - fromMs);
    const [interval, step] = toMs - fromMs > 30 * DAY_MS ? ["1day", DAY_MS] : toMs - fromMs > DAY_MS ? ["1hour", HOUR_MS] : ["raw", 1];
    const isThere = at !== null && at >= fromMs && at < toMs;
    const time = at === null ? 0 : step === 1 ? at : Math.floor(at / (step as number)) * (step as number) + (step as number) / 2;
    const buckets = isThere ? [[time, 1, 1, 1, 1, 1, 1, 0, time, time, 1]] : [];
    return { interval, series: [{ tagName: "t", unit: "", buckets }] } as unknown as PointsAnswer;
  };
  return { ask, asked };
}

it("is the reading itself, however coarse the first answer is", async () => {
  const { ask, asked } = answers(READ_AT);
  expect(await newestBefore(NOW, ask)).toBe(READ_AT);
  expect(asked.length).toBeLessThan(5);
});

it("is null where there is none in two years", async () => {
  expect(await newestBefore(NOW, answers(null).ask)).toBeNull();
});
