import { expect, test } from "vitest";
import { between, moved, spanWords, tickWords, zoomed } from "./ranges.ts";

const at = (iso: string) => Date.parse(iso);
const HOUR_MS = 3_600_000;
const now = at("2026-03-12T20:00:00Z");
const span = { fromMs: now - 8 * HOUR_MS, toMs: now - 4 * HOUR_MS };

test("zooming keeps the moment under the cursor where it is", () => {
  const around = span.fromMs + HOUR_MS;
  const closer = zoomed(span, around, 0.5, now);
  expect(closer.toMs - closer.fromMs).toBe(2 * HOUR_MS);
  expect((around - closer.fromMs) / (2 * HOUR_MS)).toBeCloseTo(0.25);
});

test("nothing goes beyond now, and nothing gets shorter than ten seconds", () => {
  expect(moved(span, 5, now)).toEqual({ fromMs: now - 4 * HOUR_MS, toMs: now });
  expect(zoomed(span, now - 6 * HOUR_MS, 4, now).toMs).toBe(now);
  const drawn = between(span.toMs, span.toMs - 10, now);
  expect(drawn.toMs - drawn.fromMs).toBe(10_000);
  expect(zoomed(span, span.fromMs, 1e-9, now).toMs - span.fromMs).toBe(10_000);
});

test("a drag to the left is the same range as one to the right", () => {
  expect(between(span.toMs, span.fromMs, now)).toEqual(span);
});

test("a range is named in its zone, with the date once where that is enough", () => {
  const day = { fromMs: at("2026-03-12T11:32:00Z"), toMs: at("2026-03-12T19:32:00Z") };
  expect(spanWords(day, "America/Chicago")).toBe("06:32 – 14:32, 12 Mar");
  const night = { fromMs: at("2026-03-12T03:00:00Z"), toMs: at("2026-03-12T11:00:00Z") };
  expect(spanWords(night, "America/Chicago")).toBe("11 Mar 22:00 – 12 Mar 06:00");
  const year = { fromMs: at("2025-03-12T06:00:00Z"), toMs: at("2026-03-12T06:00:00Z") };
  expect(spanWords(year, "America/Chicago")).toBe("12 Mar 2025 – 12 Mar 2026");
});

test("a tick at midnight is the date, others the clock", () => {
  expect(tickWords(at("2026-03-12T05:00:00Z"), HOUR_MS, "America/Chicago")).toBe("12 Mar");
  expect(tickWords(at("2026-03-12T06:00:00Z"), HOUR_MS, "America/Chicago")).toBe("01:00");
  expect(tickWords(at("2026-03-12T06:00:05Z"), 5_000, "America/Chicago")).toBe("01:00:05");
  expect(tickWords(at("2026-03-01T06:00:00Z"), 30 * 24 * HOUR_MS, "America/Chicago")).toBe("Mar 2026");
});
