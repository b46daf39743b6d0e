import { describe, expect, it } from "vitest";
import { SILENCE_MS, silenced, sounding } from "./sound-rule.ts";

const critical = (alarmId: string) => ({ alarmId, priority: 1 as const });
const high = (alarmId: string) => ({ alarmId, priority: 2 as const });
const low = (alarmId: string) => ({ alarmId, priority: 4 as const });

describe("the alarm sound", () => {
  it("is that of the most urgent unacknowledged alarm, and none for advice", () => {
    expect(sounding([high("a"), critical("b")], null, 0).priority).toBe(1);
    expect(sounding([low("a")], null, 0).priority).toBeNull();
    expect(sounding([], null, 0).priority).toBeNull();
  });

  it("is silent for 2 minutes and then comes back by itself", () => {
    const silence = silenced([critical("a")], 1_000);
    expect(sounding([critical("a")], silence, 1_000 + SILENCE_MS - 1)).toEqual({
      priority: null,
      silencedUntilMs: 1_000 + SILENCE_MS,
    });
    expect(sounding([critical("a")], silence, 1_000 + SILENCE_MS).priority).toBe(1);
  });

  it("is broken out of silence by a new critical alarm only", () => {
    const silence = silenced([critical("a")], 0);
    expect(sounding([critical("a"), high("new")], silence, 1).priority).toBeNull();
    expect(sounding([critical("a"), critical("new")], silence, 1)).toEqual({
      priority: 1,
      silencedUntilMs: null,
    });
  });
});
