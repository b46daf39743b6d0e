// Quality and its reasons in words (core/pumpjack_core/quality.py has the list).

import type { Quality } from "../rest/types/readings.ts";

/** Why a reading is not plainly good, as half a sentence for people. */
const REASONS: Record<string, string> = {
  out_of_range: "outside of its range",
  anomaly: "far from its recent values",
  stale: "no reading in time",
  comm_failure: "the device cannot be reached",
  device_bad: "the device says that it is bad",
  clock: "the device's clock is off; shown at the time of receipt",
  not_a_number: "the device sent no number",
  device_uncertain: "the device is not sure",
  precision: "not all digits could be kept",
  config_error: "the device says that it is set up wrongly",
  not_stored: "shown, and not in the history",
  sensor_failure: "the sensor has failed",
  out_of_service: "out of service at the device",
  last_known: "the last that the device knows, not the present one",
  local_override: "set by hand at the device",
};

/** "far from its recent values"; an unknown reason is shown as it came. */
export function reasonWords(reason: string | null): string {
  if (reason === null || reason === "") return "";
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}

/** A BAD reading that is none: the worker says by it that nothing came. */
export function isSilence(quality: Quality, reason: string | null, value: number | null): boolean {
  return quality === "BAD" && value === null && (reason === "stale" || reason === "comm_failure");
}

const WORST: Record<Quality, 0 | 1 | 2> = { GOOD: 0, UNCERTAIN: 1, BAD: 2 };
const NAMES: readonly Quality[] = ["GOOD", "UNCERTAIN", "BAD"];

/** 0 GOOD, 1 UNCERTAIN, 2 BAD, as in buckets and sparks. */
export function levelOf(quality: Quality): 0 | 1 | 2 {
  return WORST[quality];
}

/** The other way round. */
export function qualityOf(level: 0 | 1 | 2): Quality {
  return NAMES[level] ?? "BAD";
}

/** Of what came over the wire; what is not known is BAD. */
export function asQuality(text: string): Quality {
  return text === "GOOD" || text === "UNCERTAIN" ? text : "BAD";
}
