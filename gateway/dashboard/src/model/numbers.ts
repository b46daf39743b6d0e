// Numbers as people read them: 31,420 and −3.2, always with the digits of their tag.

const MOST_DIGITS = 6;
const LARGEST_PLAIN = 1e15;
const formats = new Map<number, Intl.NumberFormat>();

/** 31420 -> "31,420"; with a real minus sign, and never "−0". */
export function formatNumber(value: number, digits: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= LARGEST_PLAIN) return value.toExponential(3).replace("-", "−");
  const text = formatOf(digits).format(value);
  if (!text.startsWith("-")) return text;
  return /[1-9]/.test(text) ? `−${text.slice(1)}` : text.slice(1);
}

export interface Digits {
  digits: number | null;
  low: number | null;
  high: number | null;
  dataType: string;
}

/** Decimals of a tag: those declared, else as its range and type suggest. */
export function digitsOf(tag: Digits): number {
  if (tag.digits !== null) return Math.min(Math.max(tag.digits, 0), MOST_DIGITS);
  if (/^(u?int|bool)/.test(tag.dataType)) return 0;
  if (tag.low === null || tag.high === null) return 1;
  const span = Math.abs(tag.high - tag.low);
  if (span >= 200) return 0;
  if (span >= 20) return 1;
  return span >= 2 ? 2 : 3;
}

/** 98.7 % of a share; 100 % only when it is all, 0 % only when it is none. */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return "–";
  const share = (part / whole) * 100;
  if (part !== whole && share > 99.9) return "99.9 %";
  if (part !== 0 && share < 0.1) return "0.1 %";
  return `${formatNumber(share, share === 100 || share === 0 ? 0 : 1)} %`;
}

const SIZES = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** Bytes in powers of 1024: "731 MiB". */
export function bytesText(bytes: number): string {
  let value = Math.max(bytes, 0);
  let size = 0;
  while (value >= 1024 && size < SIZES.length - 1) {
    value /= 1024;
    size += 1;
  }
  return `${formatNumber(value, size > 0 && value < 10 ? 1 : 0)} ${SIZES[size]}`;
}

/** "1 well", "6 wells". */
export function counted(number: number, one: string, many = `${one}s`): string {
  return `${formatNumber(number, 0)} ${number === 1 ? one : many}`;
}

function formatOf(digits: number): Intl.NumberFormat {
  let format = formats.get(digits);
  if (format === undefined) {
    format = new Intl.NumberFormat("en-US", {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
    formats.set(digits, format);
  }
  return format;
}
