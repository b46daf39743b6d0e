import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { POLITE_EVERY_MS, announce, announceUrgent, calmWords, urgentWords } from "./announce.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("says calm words at most once in 10 s, and then the latest", () => {
  const heard: string[] = [];
  const stop = calmWords.subscribe((text) => text !== "" && heard.push(text));
  const now = () => Date.now();
  announce("1 new alarm", now);
  vi.advanceTimersByTime(1);
  expect(heard).toEqual(["1 new alarm"]);
  announce("2 new alarms", now);
  announce("3 new alarms", now);
  vi.advanceTimersByTime(POLITE_EVERY_MS - 100);
  expect(heard).toHaveLength(1);
  vi.advanceTimersByTime(200);
  expect(heard).toEqual(["1 new alarm", "3 new alarms"]);
  stop();
});

it("says urgent words at once, also twice the same", () => {
  announceUrgent("Critical");
  const first = urgentWords.value;
  announceUrgent("Critical");
  expect(urgentWords.value.trim()).toBe("Critical");
  expect(urgentWords.value).not.toBe(first);
});
