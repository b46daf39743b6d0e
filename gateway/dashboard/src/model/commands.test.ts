import { describe, expect, test } from "vitest";
import type { CommandState } from "../rest/types/commands.ts";
import { commandLabel, isWaitingForApproval, newKey, stepsOf, whyNotDecide, withCommand } from "./commands.ts";
import { sampleCommand, sampleStep } from "../testing/samples.ts";

function shown(command: Parameters<typeof stepsOf>[0], ...states: CommandState[]) {
  const steps = states.map((state, at) => sampleStep(state, at + 1));
  return stepsOf(command, steps).map((step) => `${step.word}: ${step.status}`);
}

describe("the steps of a command", () => {
  test("while it runs: what is done, what it waits for, what comes then", () => {
    expect(shown(sampleCommand({ state: "sent" }), "requested", "validated", "sent")).toEqual([
      "Requested: done", "Validated: done", "Approved: skipped", "Sent: done", "Accepted: current",
      "Verified: pending",
    ]);
  });

  test("that a second person has to approve waits there", () => {
    const command = sampleCommand({ state: "validated", approval: "required" });
    expect(shown(command, "requested", "validated")).toEqual([
      "Requested: done", "Validated: done", "Approved: current", "Sent: pending", "Accepted: pending",
      "Verified: pending",
    ]);
    expect(commandLabel(command)).toBe("WAITS FOR APPROVAL");
  });

  test("verified: all of them, and it is done only then", () => {
    const command = sampleCommand({ state: "verified", running: false });
    expect(shown(command, "requested", "validated", "approved", "sent", "accepted", "verified")).toEqual([
      "Requested: done", "Validated: done", "Approved: skipped", "Sent: done", "Accepted: done",
      "Verified: done",
    ]);
    expect(commandLabel(sampleCommand({ state: "accepted" }))).toBe("IN PROGRESS");
    expect(commandLabel(command)).toBe("VERIFIED");
  });

  test.each([
    ["mismatch", ["requested", "validated", "approved", "sent", "accepted"], "Accepted: done"],
    ["timeout", ["requested", "validated", "approved", "sent"], "Sent: done"],
    ["refused", ["requested", "validated", "approved"], "Approved: skipped"],
    ["expired", ["requested", "validated"], "Approved: skipped"],
  ] as const)("%s stands where it ended, and no step after it", (state, before, last) => {
    const found = shown(sampleCommand({ state, running: false }), ...before, state);
    const word = state.charAt(0).toUpperCase() + state.slice(1);
    expect(found.slice(-2)).toEqual([last, `${word}: failed`]);
    expect(found.join()).not.toMatch(/current|pending|Verified/);
  });

  test("that a second person rejected was never approved", () => {
    const command = sampleCommand({ state: "rejected", running: false, approval: "required" });
    expect(shown(command, "requested", "validated", "rejected")).toEqual([
      "Requested: done", "Validated: done", "Rejected: failed",
    ]);
  });

  test("that were not told are still known from the command itself", () => {
    const command = sampleCommand({ state: "mismatch", running: false, sentAt: "2026-03-12T19:00:01Z" });
    expect(shown(command)).toEqual([
      "Requested: done", "Validated: done", "Approved: skipped", "Sent: done", "Mismatch: failed",
    ]);
  });
});

describe("who may decide", () => {
  const waiting = sampleCommand({ state: "validated", approval: "required", requestedBy: "ann" });

  test("is somebody else, with the role, while there is something to decide", () => {
    expect(isWaitingForApproval(waiting)).toBe(true);
    expect(whyNotDecide(waiting, "bob", "operator")).toBeNull();
    expect(whyNotDecide(waiting, "ann", "admin")).toMatch(/another person/);
    expect(whyNotDecide(waiting, "bob", "viewer")).toMatch(/operator role/);
    expect(whyNotDecide({ ...waiting, running: false, state: "expired" }, "bob", "operator")).toMatch(/nothing to decide/);
  });
});

test("a list takes the newer state of a command and never an older one", () => {
  const old = sampleCommand({ changeNo: 4, state: "sent" });
  const other = sampleCommand({ commandId: "c2", requestedAt: "2026-03-12T19:05:00Z", changeNo: 2 });
  const list = withCommand([old], other);
  expect(list.map((one) => one.commandId)).toEqual(["c2", "c1"]);
  expect(withCommand(list, sampleCommand({ changeNo: 3, state: "validated" }))[1]?.state).toBe("sent");
  expect(withCommand(list, sampleCommand({ changeNo: 5, state: "verified" }))[1]?.state).toBe("verified");
});

test("each thing that is wanted has a key of its own", () => {
  expect(newKey()).not.toBe(newKey());
});
