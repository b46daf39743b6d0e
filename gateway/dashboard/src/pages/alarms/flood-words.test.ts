import { expect, test } from "vitest";
import { sumInWords } from "./flood-words.ts";

test("in a flood the alarms to handle are told of all that are active", () => {
  const byState = { unacknowledged: 900, acknowledged: 50, shelved: 30, suppressed: 15, out_of_service: 5 };
  expect(sumInWords({ toHandle: 950, byState })).toBe("950 of 1,000 are below, 50 set aside on their own tabs");
});

test("with nothing set aside all of them are below", () => {
  const byState = { unacknowledged: 12, returned_unacknowledged: 2 };
  expect(sumInWords({ toHandle: 14, byState })).toBe("14 of 14 are below");
});
