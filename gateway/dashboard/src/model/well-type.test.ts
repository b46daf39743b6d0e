import { expect, test } from "vitest";
import { typeWords } from "./well-type.ts";

test("a type is told in words", () => {
  expect(["rod-pump", "esp", ""].map(typeWords)).toEqual(["Rod pump", "ESP", ""]);
});
