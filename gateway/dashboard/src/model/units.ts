// Units that mean the same quantity are converted; anything else is refused, never relabelled.

/** Of a unit: its quantity, and base = value * factor + offset. */
interface Unit {
  quantity: string;
  factor: number;
  offset: number;
}

/** Other ways to write a unit, in small letters. */
const ALIASES: Record<string, string> = {
  degf: "degF",
  degc: "degC",
  "°f": "degF",
  "°c": "degC",
  deg_f: "degF",
  deg_c: "degC",
  psi: "psi",
  psia: "psi",
  psig: "psig",
  kpa: "kPa",
  spm: "SPM",
  "bbl/d": "bbl/d",
  "bbl/day": "bbl/d",
  bpd: "bbl/d",
  bopd: "bbl/d",
  bwpd: "bbl/d",
  "mcf/d": "mcf/d",
  "mcf/day": "mcf/d",
  mcfd: "mcf/d",
  "mscf/d": "mcf/d",
  "mmcf/d": "MMcf/d",
  "mmscf/d": "MMcf/d",
  hz: "Hz",
  rpm: "rpm",
  a: "A",
  v: "V",
  ft: "ft",
  in: "in",
  percent: "%",
  pct: "%",
};

const LB_PER_KG = 2.2046226218487757;
const M3_PER_BBL = 0.158987294928;
const M3_PER_FT3 = 0.028316846592;
const PA_PER_PSI = 6894.757293168;
const M3_PER_GAL = 0.003785411784;

const UNITS = new Map<string, Unit>();

function declare(quantity: string, table: Record<string, number | [number, number]>): void {
  for (const [names, scale] of Object.entries(table)) {
    const [factor, offset] = typeof scale === "number" ? [scale, 0] : scale;
    for (const name of names.split(" | ")) UNITS.set(keyOf(name), { quantity, factor, offset });
  }
}

declare("pressure", {
  "Pa": 1,
  "kPa": 1e3,
  "MPa": 1e6,
  "bar": 1e5,
  "mbar": 100,
  "psi | psia": PA_PER_PSI,
  "kgf/cm2 | kg/cm2": 98066.5,
  "inH2O": 249.08891,
});
declare("gauge pressure", { "psig": PA_PER_PSI, "barg": 1e5, "kPag": 1e3 });
declare("temperature", {
  "K": 1,
  "degC | °C": [1, 273.15],
  "degF | °F": [5 / 9, 273.15 - (32 * 5) / 9],
});
declare("length", {
  "m": 1,
  "cm": 0.01,
  "mm": 0.001,
  "km": 1000,
  "ft": 0.3048,
  "in | inch": 0.0254,
});
declare("liquid rate", {
  "m3/d | m³/d": 1,
  "m3/h | m³/h": 24,
  "bbl/d | bpd": M3_PER_BBL,
  "bbl/h": M3_PER_BBL * 24,
  "gpm | gal/min": M3_PER_GAL * 1440,
  "l/s": 86.4,
  "l/min": 1.44,
});
declare("gas rate", {
  "sm3/d": 1,
  "ksm3/d": 1e3,
  "scf/d": M3_PER_FT3,
  "mcf/d | mscf/d": M3_PER_FT3 * 1e3,
  "MMcf/d | MMscf/d": M3_PER_FT3 * 1e6,
});
declare("volume", { "m3 | m³": 1, "bbl": M3_PER_BBL, "gal": M3_PER_GAL, "l": 0.001 });
declare("force", { "N": 1, "kN": 1e3, "lbf": 4.4482216152605, "klbf": 4448.2216152605 });
declare("mass", { "kg": 1, "t": 1000, "lb": 1 / LB_PER_KG });
declare("speed of turning", { "rpm | 1/min": 1 });
declare("strokes", { "SPM | strokes/min": 1 });
declare("frequency", { "Hz": 1, "kHz": 1e3 });
declare("current", { "A": 1, "mA": 1e-3 });
declare("voltage", { "V": 1, "kV": 1e3, "mV": 1e-3 });
declare("power", { "W": 1, "kW": 1e3, "MW": 1e6, "hp": 745.6998715822702 });
declare("torque", { "Nm | N·m": 1, "kNm": 1e3, "ft·lbf | ftlbf | lbf·ft": 1.3558179483314 });
declare("share", { "%": 0.01, "1": 1 });
declare("acceleration", { "g": 9.80665, "m/s2 | m/s²": 1 });
declare("time", { "s": 1, "ms": 1e-3, "min": 60, "h": 3600, "d": 86400 });
declare("flow velocity", { "m/s": 1, "ft/s": 0.3048 });

/** The value in another unit; null where that would be another quantity, or a unit is unknown. */
export function convert(value: number, from: string, to: string): number | null {
  if (keyOf(from) === keyOf(to)) return value;
  const [a, b] = [UNITS.get(keyOf(from)), UNITS.get(keyOf(to))];
  if (a === undefined || b === undefined || a.quantity !== b.quantity) return null;
  return (value * a.factor + a.offset - b.offset) / b.factor;
}

/** Whether values in one unit can be shown in the other. */
export function isConvertible(from: string, to: string): boolean {
  return convert(0, from, to) !== null;
}

interface Ranged {
  unit: string;
  low: number | null;
  high: number | null;
  normalLow: number | null;
  normalHigh: number | null;
  limits: readonly { limit: number }[];
  intervalS: number | null;
}

/**
 * A tag with everything in another unit, to be shown in a picture that wants that one.
 * Null where it cannot be converted: then the picture shows the value in the tag's own unit,
 * or an empty box, never the number under another unit's name.
 */
export function tagIn<T extends Ranged>(tag: T, unit: string): T | null {
  if (keyOf(tag.unit) === keyOf(unit)) return { ...tag, unit };
  if (!isConvertible(tag.unit, unit)) return null;
  const turned = (value: number | null) =>
    value === null ? null : convert(value, tag.unit, unit);
  return {
    ...tag,
    unit,
    low: turned(tag.low),
    high: turned(tag.high),
    normalLow: turned(tag.normalLow),
    normalHigh: turned(tag.normalHigh),
    limits: tag.limits.map((one) => ({ ...one, limit: turned(one.limit) as number })),
  };
}

/** As units are compared: mcf/d, not the capitals, but M is not m and K is not k. */
function keyOf(unit: string): string {
  const plain = unit.trim().replaceAll("µ", "u").replaceAll("⋅", "·");
  return ALIASES[plain.toLowerCase()] ?? plain;
}
