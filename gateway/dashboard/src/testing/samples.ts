// Alarms, tags and commands for tests, with what a test does not care about filled in.

import type { Alarm, AlarmEvent } from "../rest/types/alarms.ts";
import type { Command, CommandStep } from "../rest/types/commands.ts";
import type { TagFacts } from "../rest/types/wells.ts";

export function sampleAlarm(more: Partial<Alarm> = {}): Alarm {
  return {
    alarmId: "a1",
    connectionId: "ops/plc",
    wellId: "well-1",
    tagName: "casing_pressure",
    condition: "hi",
    priority: 2,
    state: "unacknowledged",
    active: true,
    acknowledged: false,
    latched: false,
    suppressed: false,
    outOfService: false,
    shelvedUntil: null,
    shelvedBy: null,
    since: "2026-03-12T19:00:00Z",
    activeSince: "2026-03-12T19:00:00Z",
    value: 618,
    limit: 600,
    unit: "psi",
    message: "",
    consequence: "",
    response: "",
    acknowledgedBy: null,
    acknowledgedAt: null,
    comment: "",
    version: 1,
    eventNo: 1,
    declared: true,
    confirmed: true,
    ...more,
  };
}

export function sampleEvent(more: Partial<AlarmEvent> = {}): AlarmEvent {
  return {
    eventNo: 1,
    at: "2026-03-12T19:00:00Z",
    recordedAt: "2026-03-12T19:00:00Z",
    alarmId: "a1",
    connectionId: "ops/plc",
    wellId: "well-1",
    tagName: "casing_pressure",
    condition: "hi",
    priority: 2,
    kind: "raised",
    actor: "",
    comment: "",
    value: 618,
    limit: 600,
    detail: {},
    state: "unacknowledged",
    ...more,
  };
}

export function sampleTag(more: Partial<TagFacts> = {}): TagFacts {
  return {
    tagName: "casing_pressure",
    title: "Casing pressure",
    description: "",
    connectionId: "ops/plc",
    protocol: "modbus-tcp",
    address: "holding:40001",
    unit: "psi",
    dataType: "float32",
    intervalS: 1,
    staleAfterS: 10,
    low: 0,
    high: 1000,
    normalLow: null,
    normalHigh: null,
    digits: 0,
    stateNames: {},
    writable: false,
    limits: [],
    ...more,
  };
}

export function sampleCommand(more: Partial<Command> = {}): Command {
  return {
    commandId: "c1",
    wellId: "well-1",
    tagName: "choke",
    connectionId: "ops/plc",
    unit: "%",
    value: 40,
    written: null,
    readBack: null,
    state: "requested",
    running: true,
    message: "",
    reason: "slugging",
    approval: "none",
    requestedBy: "ann",
    requestedRole: "operator",
    requestedAt: "2026-03-12T19:00:00Z",
    decidedBy: null,
    decidedAt: null,
    comment: "",
    expiresAt: "2026-03-12T19:00:10Z",
    sentAt: null,
    doneAt: null,
    idempotencyKey: "key-12345",
    changeNo: 1,
    ...more,
  };
}

export function sampleStep(state: CommandStep["state"], changeNo: number): CommandStep {
  return { changeNo, state, at: `2026-03-12T19:00:0${changeNo % 10}Z`, actor: "ann", message: `${state}.` };
}
