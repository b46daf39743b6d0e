import { expect, test } from "vitest";
import { bytesText, counted, digitsOf, formatNumber, percent } from "./numbers.ts";

test.each([
  [31420, 0, "31,420"],
  [8.44, 1, "8.4"],
  [8.45, 1, "8.5"],
  [-3.2, 1, "−3.2"],
  [-0.04, 1, "0.0"],
  [0, 2, "0.00"],
  [1234567.891, 2, "1,234,567.89"],
  [1.5e18, 0, "1.500e+18"],
  [Number.NaN, 0, "–"],
  [Infinity, 0, "–"],
])("%d with %d digits reads %s", (value, digits, text) => {
  expect(formatNumber(value, digits)).toBe(text);
});

test("digits are the tag's, else what its type and range suggest", () => {
  const tag = { digits: null, low: null, high: null, dataType: "float32" };
  expect(digitsOf({ ...tag, digits: 3 })).toBe(3);
  expect(digitsOf({ ...tag, dataType: "uint16" })).toBe(0);
  expect(digitsOf({ ...tag, low: 0, high: 3000 })).toBe(0);
  expect(digitsOf({ ...tag, low: 0, high: 100 })).toBe(1);
  expect(digitsOf({ ...tag, low: 0, high: 12 })).toBe(2);
  expect(digitsOf({ ...tag, low: 0, high: 1 })).toBe(3);
  expect(digitsOf(tag)).toBe(1);
});

test("a share is only 100 % when it is all, and 0 % when it is none", () => {
  expect(percent(987, 1000)).toBe("98.7 %");
  expect(percent(12799, 12800)).toBe("99.9 %");
  expect(percent(12800, 12800)).toBe("100 %");
  expect(percent(1, 12800)).toBe("0.1 %");
  expect(percent(0, 5)).toBe("0 %");
  expect(percent(0, 0)).toBe("–");
});

test("bytes and counts in words", () => {
  expect(bytesText(0)).toBe("0 B");
  expect(bytesText(1840)).toBe("1.8 KiB");
  expect(bytesText(731 * 1024 ** 2)).toBe("731 MiB");
  expect(counted(1, "well")).toBe("1 well");
  expect(counted(1200, "well")).toBe("1,200 wells");
});
