import { expect, test } from "vitest";
import { problemOf } from "../rest/problem.ts";
import { refusalOf, whyNotDone } from "./not-done.ts";

const body = (more: object) =>
  JSON.stringify({ code: "ALREADY_ACKNOWLEDGED", title: "Conflict", detail: "bob has it", ...more });

test("the second of two is told who was first, and when", () => {
  const error = problemOf(409, body({ by: "bob", at: "2026-03-08T19:32:01.5Z" }), null);
  const refusal = refusalOf(error);
  expect(refusal).not.toBeNull();
  expect(whyNotDone(refusal as never, "America/Chicago")).toBe("bob was first, at 14:32:01.");
});

test("an alarm that has changed otherwise has the gateway's sentence", () => {
  const refusal = refusalOf(problemOf(409, body({ code: "ALARM_CHANGED" }), null));
  expect(whyNotDone(refusal as never, "UTC")).toBe("Bob has it.");
});

test("what is no refusal stays the fault that it is", () => {
  expect(refusalOf(problemOf(503, body({}), null))).toBeNull();
  expect(refusalOf(new Error("broken"))).toBeNull();
});
