import { describe, expect, it } from "vitest";
import { FOUND_MOST, type Findable, search } from "./search.ts";

const PRESSURE = { tagName: "tubing_pressure", title: "Tubing pressure", unit: "psi" };
const WELLS: Findable[] = [
  { wellId: "br-07-3h", title: "BR 07-3H", pad: "07", route: "North", tags: [PRESSURE] },
  { wellId: "br-12-1h", title: "BR 12-1H", pad: "12", route: "South", tags: [PRESSURE] },
  { wellId: "br-2-1h", title: "BR 2-1H", pad: "2", route: "South", tags: [] },
];

describe("search", () => {
  it("finds a well by its name, id, pad or route, in whatever case", () => {
    expect(search("BR 07", WELLS)[0]).toMatchObject({ kind: "well", wellId: "br-07-3h" });
    expect(search("south", WELLS).map((one) => one.wellId)).toEqual(["br-2-1h", "br-12-1h"]);
  });

  it("finds a tag of one well by words of both", () => {
    expect(search("12-1h tubing", WELLS)).toEqual([
      expect.objectContaining({ kind: "tag", wellId: "br-12-1h", tagName: "tubing_pressure" }),
    ]);
    expect(search("tubing pres", WELLS)).toHaveLength(2);
  });

  it("finds nothing where one word is nowhere, and nothing for nothing", () => {
    expect(search("br 07 nowhere", WELLS)).toEqual([]);
    expect(search("  ", WELLS)).toEqual([]);
  });

  it("puts wells before tags and ends somewhere", () => {
    const many = Array.from({ length: 500 }, (_, at) => ({
      ...WELLS[0]!,
      wellId: `br-${at}`,
      title: `BR ${at}`,
    }));
    expect(search("br", many)).toHaveLength(FOUND_MOST);
    expect(search("br", many).every((one) => one.kind === "well")).toBe(true);
  });
});
