import { afterEach, expect, test } from "vitest";
import { clockText, msOf } from "../model/times.ts";
import { Client } from "../rest/client.ts";
import { type Answer, answering } from "../testing/answering.ts";
import { sampleAlarm } from "../testing/samples.ts";
import { acknowledgeOne } from "./acknowledge.ts";
import { zone } from "./zone.ts";

const AT = "2026-03-08T19:32:01.5Z";
const FIRST = `bob was first, at ${clockText(msOf(AT), zone.peek())}.`;
const afterwards: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of afterwards.splice(0)) await close();
});

async function said(answer: Answer): Promise<string | null> {
  const gateway = await answering(() => answer);
  afterwards.push(gateway.close);
  return acknowledgeOne(new Client({ base: gateway.base, token: () => "a token" }), sampleAlarm());
}

test("an alarm that was acknowledged needs no word", async () => {
  expect(await said({ body: { asOf: AT, done: 1, alarms: [{ alarmId: "a", done: true }] } })).toBeNull();
});

test("the second of two is told who was first, however the gateway says it", async () => {
  const refused = { alarmId: "a", done: false, problem: "bob has it", by: "bob", at: AT };
  expect(await said({ body: { asOf: AT, done: 0, alarms: [refused] } })).toBe(FIRST);
  const problem = { code: "ALREADY_ACKNOWLEDGED", title: "Conflict", detail: "bob has it", by: "bob", at: AT };
  expect(await said({ status: 409, body: problem })).toBe(FIRST);
});

test("any other fault is told as the gateway says it", async () => {
  const problem = { code: "DATABASE_DOWN", title: "Unavailable", detail: "the database is away" };
  expect(await said({ status: 503, body: problem })).toBe("The database is away.");
});
