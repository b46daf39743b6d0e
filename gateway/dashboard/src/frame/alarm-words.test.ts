import { describe, expect, it } from "vitest";
import type { Alarm } from "../rest/types/alarms.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { sampleAlarm } from "../testing/samples.ts";
import { alarmWords, spoken } from "./alarm-words.ts";
import { agreed } from "./zone.ts";

const ALARM = sampleAlarm({
  connectionId: "permian-ops/pad07-plc",
  wellId: "br-07-3h",
  tagName: "rod_load",
  condition: "hihi",
  priority: 1,
  since: "2026-03-12T19:31:25Z",
  activeSince: "2026-03-12T19:31:25Z",
  value: 31420.4,
  limit: 31000,
  unit: "lbf",
  message: "Rod load is very high",
});
const WELL = {
  title: "BR 07-3H",
  keys: [
    {
      tagName: "rod_load",
      title: "Polished rod load",
      digits: 0,
      low: 0,
      high: 40000,
      dataType: "float32",
    } as TagFacts,
  ],
};

describe("an alarm in one line", () => {
  it("has well, tag, condition, value and limit as people write them", () => {
    const words = alarmWords(ALARM, WELL);
    expect(words).toEqual({
      where: "BR 07-3H",
      what: "Polished rod load HiHi",
      value: "31,420",
      against: "> 31,000 lbf",
    });
    expect(spoken(words)).toBe("BR 07-3H Polished rod load HiHi 31,420 above 31,000 lbf");
  });

  it("does without a well that is not known yet, and names the connection where it is of none", () => {
    expect(alarmWords(ALARM, null)).toMatchObject({ where: "br-07-3h", what: "Rod load HiHi" });
    const lost: Alarm = {
      ...ALARM,
      wellId: "",
      tagName: "",
      condition: "comm_failure",
      value: null,
      limit: null,
    };
    expect(alarmWords(lost, null)).toEqual({
      where: "permian-ops/pad07-plc",
      what: "Connection lost",
      value: "",
      against: "",
    });
  });

  it("does not say that a value is beyond its limit once it has returned", () => {
    const words = alarmWords({ ...ALARM, active: false, value: 28000 }, WELL);
    expect(`${words.value} ${words.against}`).toBe("28,000 lbf (limit 31,000)");
  });

  it("says a state by its message, and a low limit the right way round", () => {
    expect(alarmWords({ ...ALARM, condition: "state", message: "Pump stopped" }, WELL).what).toBe(
      "Pump stopped",
    );
    expect(alarmWords({ ...ALARM, condition: "lo", value: 12, limit: 14 }, WELL).against).toBe(
      "< 14 lbf",
    );
  });
});

describe("the zone of the frame", () => {
  it("is that of the wells where they agree, and none where they do not or tell none", () => {
    expect(agreed(["America/Chicago", "America/Chicago", ""])).toBe("America/Chicago");
    expect(agreed(["America/Chicago", "America/Denver"])).toBeNull();
    expect(agreed(["", "Nowhere/Land"])).toBeNull();
  });
});
