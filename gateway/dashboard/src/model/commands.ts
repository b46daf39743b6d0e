// A command's way, in order, as a faceplate shows it (docs/commands.md).

import type { Command, CommandState, CommandStep } from "../rest/types/commands.ts";
import { msOf } from "./times.ts";

export type StepStatus = "done" | "current" | "pending" | "skipped" | "failed";

export interface ShownStep {
  state: CommandState;
  /** "Sent", "Accepted", "Mismatch". */
  word: string;
  status: StepStatus;
  atMs: number | null;
  /** The sentence of the step, or what is waited for. */
  detail: string;
}

const WAY: readonly CommandState[] = [
  "requested",
  "validated",
  "approved",
  "sent",
  "accepted",
  "verified",
];
export const ENDS: readonly CommandState[] = [
  "verified",
  "mismatch",
  "timeout",
  "refused",
  "expired",
  "rejected",
];
export const STATE_WORDS: Record<CommandState, string> = {
  requested: "Requested",
  validated: "Validated",
  approved: "Approved",
  sent: "Sent",
  accepted: "Accepted",
  verified: "Verified",
  mismatch: "Mismatch",
  timeout: "Timeout",
  refused: "Refused",
  expired: "Expired",
  rejected: "Rejected",
};
const WAITING: Partial<Record<CommandState, string>> = {
  validated: "within the limits",
  approved: "by a second person",
  sent: "by the worker of its connection",
  accepted: "by the device",
  verified: "by read-back",
};

/** Whether it has ended, and other than it was meant to. */
export function hasFailed(state: CommandState): boolean {
  return ENDS.includes(state) && state !== "verified";
}

/**
 * The steps from Requested to its end, each once. What a failed command never reached is left
 * out; its end stands in its place. steps may be short of those that were not told yet.
 */
export function stepsOf(command: Command, steps: readonly CommandStep[]): ShownStep[] {
  const told = new Map<CommandState, CommandStep>();
  for (const step of [...steps].sort((a, b) => a.changeNo - b.changeNo)) told.set(step.state, step);
  const shown: ShownStep[] = [];
  const reached = furthest(command, told);
  for (const [at, state] of WAY.entries()) {
    const step = told.get(state) ?? null;
    if (state === "approved" && command.approval === "none") {
      shown.push(stepOf(state, "skipped", step?.at ?? null, "not needed"));
    } else if (step !== null || at <= reached) {
      shown.push(stepOf(state, "done", step?.at ?? timeOf(command, state), step?.message ?? ""));
    } else if (!command.running) {
      break;
    } else {
      const isNext = !shown.some((one) => one.status === "current");
      const waiting = WAITING[state] ?? "";
      shown.push(stepOf(state, isNext ? "current" : "pending", null, waiting));
    }
  }
  if (hasFailed(command.state)) {
    const step = told.get(command.state) ?? null;
    const at = step?.at ?? command.doneAt;
    shown.push(stepOf(command.state, "failed", at, step?.message ?? command.message));
  }
  return shown;
}

/** One word for a list: "IN PROGRESS", "WAITS FOR APPROVAL", "VERIFIED", "MISMATCH". */
export function commandLabel(command: Command): string {
  if (isWaitingForApproval(command)) return "WAITS FOR APPROVAL";
  return command.running ? "IN PROGRESS" : STATE_WORDS[command.state].toUpperCase();
}

/** Whether a second person has to decide on it. */
export function isWaitingForApproval(command: Command): boolean {
  return command.running && command.approval === "required" && command.state === "validated";
}

/** Whether this person may decide on it, and if not why, as a sentence. */
export function whyNotDecide(command: Command, subject: string, role: string): string | null {
  if (!isWaitingForApproval(command)) return "There is nothing to decide any more.";
  if (role === "viewer") return "Needs the operator role; you are viewer.";
  if (command.requestedBy === subject) return "You asked for it; another person has to approve.";
  return null;
}

/** Puts a newer state of a command into a list, the newest first; an older one changes nothing. */
export function withCommand(list: readonly Command[], command: Command): Command[] {
  const known = list.find((one) => one.commandId === command.commandId);
  if (known !== undefined && known.changeNo >= command.changeNo) return [...list];
  const others = list.filter((one) => one.commandId !== command.commandId);
  return [command, ...others].sort((a, b) => msOf(b.requestedAt) - msOf(a.requestedAt));
}

/** A key of its own for each thing that is wanted. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** How far on the way it got for certain. */
function furthest(command: Command, told: ReadonlyMap<CommandState, CommandStep>): number {
  let most = 0;
  for (const [at, state] of WAY.entries()) {
    if (told.has(state) || command.state === state) most = Math.max(most, at);
  }
  if (command.sentAt !== null) most = Math.max(most, WAY.indexOf("sent"));
  return most;
}

function timeOf(command: Command, state: CommandState): string | null {
  if (state === "requested") return command.requestedAt;
  if (state === "approved") return command.decidedAt;
  if (state === "sent") return command.sentAt;
  return state === "verified" ? command.doneAt : null;
}

function stepOf(
  state: CommandState,
  status: StepStatus,
  at: string | null,
  detail: string,
): ShownStep {
  return { state, word: STATE_WORDS[state], status, atMs: at === null ? null : msOf(at), detail };
}
