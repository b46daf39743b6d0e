import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Positions } from "./positions.ts";

const PLC = "ops/plc";

describe("a message of the feed", () => {
  test("continues where the last one ended", () => {
    const positions = new Positions();
    expect(positions.message(PLC, "e", 5, 0)).toEqual({ show: true, gap: null });
    expect(positions.message(PLC, "e", 6, 5)).toEqual({ show: true, gap: null });
    expect(positions.current).toEqual({ [PLC]: { epoch: "e", seq: 6 } });
  });

  test("may jump, as long as it names the one before", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.message(PLC, "e", 9, 5).gap).toBeNull();
  });

  test("that was seen is dropped", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.message(PLC, "e", 5, 4).show).toBe(false);
    expect(positions.message(PLC, "e", 4, 3).show).toBe(false);
  });

  test("after a lost one is shown, and tells of the gap", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.message(PLC, "e", 9, 8)).toEqual({
      show: true,
      gap: { connectionId: PLC, epoch: "e", from: 5, to: 8 },
    });
  });

  test("of another epoch begins anew, with a gap from 0", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 500, 0);
    expect(positions.message(PLC, "f", 3, 2)).toEqual({
      show: true,
      gap: { connectionId: PLC, epoch: "f", from: 0, to: 2 },
    });
    expect(positions.message(PLC, "f", 4, 3)).toEqual({ show: true, gap: null });
  });

  test("of a new journal from its first message on has no gap", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 500, 0);
    expect(positions.message(PLC, "f", 1, 0)).toEqual({ show: true, gap: null });
  });
});

describe("a gap", () => {
  test("is healed once the database has all of it, not before", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    positions.message(PLC, "e", 9, 8);
    expect(positions.stored(PLC, 7)).toBeNull();
    expect(positions.stored(PLC, 8)).toMatchObject({ from: 5, to: 8 });
    expect(positions.stored(PLC, 9)).toBeNull();
    expect(positions.gaps).toEqual([]);
  });

  test("joins the one before it", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    positions.message(PLC, "e", 9, 8);
    positions.message(PLC, "e", 20, 15);
    expect(positions.gaps).toEqual([{ connectionId: PLC, epoch: "e", from: 5, to: 15 }]);
  });

  test("that the gateway tells of is known, and not told again by the message after it", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    positions.told({ connectionId: PLC, epoch: "e", from: 5, to: 8 });
    expect(positions.message(PLC, "e", 9, 8)).toEqual({ show: true, gap: null });
    expect(positions.healed(PLC)).toMatchObject({ from: 5, to: 8 });
  });

  test("of one connection is not another's", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    positions.message("ops/other", "x", 7, 0);
    positions.message(PLC, "e", 9, 8);
    expect(positions.stored("ops/other", 100)).toBeNull();
    expect(positions.gaps).toHaveLength(1);
  });
});

describe("a snapshot", () => {
  test("to a screen that knows nothing has no gap", () => {
    const positions = new Positions();
    expect(positions.snapshot({ [PLC]: { epoch: "e", seq: 70 } })).toEqual([]);
    expect(positions.message(PLC, "e", 71, 70)).toEqual({ show: true, gap: null });
  });

  test("after an outage tells what was missed", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.snapshot({ [PLC]: { epoch: "e", seq: 70 } })).toEqual([
      { connectionId: PLC, epoch: "e", from: 5, to: 70 },
    ]);
  });

  test("that is no further than what was seen has no gap", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.snapshot({ [PLC]: { epoch: "e", seq: 5 } })).toEqual([]);
    expect(positions.snapshot({ [PLC]: { epoch: "e", seq: 3 } })).toEqual([]);
  });

  test("of another journal is a gap from 0", () => {
    const positions = new Positions();
    positions.message(PLC, "e", 5, 0);
    expect(positions.snapshot({ [PLC]: { epoch: "f", seq: 4 } })).toMatchObject([{ from: 0, to: 4 }]);
  });
});

test("what was put together for a slow screen moves on without a gap", () => {
  const positions = new Positions();
  positions.message(PLC, "e", 5, 0);
  expect(positions.conflated(PLC, "e", 40)).toBe(true);
  expect(positions.conflated(PLC, "e", 39)).toBe(false);
  expect(positions.message(PLC, "e", 41, 40)).toEqual({ show: true, gap: null });
});

test("whichever messages are lost, every one of them is in a gap, and no gap is without a loss", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ jump: fc.integer({ min: 1, max: 3 }), isLost: fc.boolean() }), {
        minLength: 1,
        maxLength: 60,
      }),
      (sent) => {
        const positions = new Positions();
        positions.message(PLC, "e", 1, 0);
        let seq = 1;
        const lost: number[] = [];
        let isLastLost = false;
        for (const { jump, isLost } of sent) {
          const prev = seq;
          seq += jump;
          isLastLost = isLost;
          if (isLost) lost.push(seq);
          else positions.message(PLC, "e", seq, prev);
        }
        if (isLastLost) positions.message(PLC, "e", seq + 1, seq);
        const [gap] = positions.gaps;
        expect(gap !== undefined).toBe(lost.length > 0);
        if (gap === undefined) return;
        for (const one of lost) expect(one > gap.from && one <= gap.to).toBe(true);
      },
    ),
  );
});
