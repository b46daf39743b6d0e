import { describe, expect, it } from "vitest";
import { EVERYWHERE, bindingFor, keyWords } from "./keys.ts";

const RUN = () => undefined;
const BOUND = [
  {
    title: "Trends",
    bindings: [
      { key: "a", says: "the page's own", run: RUN },
      { key: "ArrowLeft", says: "a pixel", run: RUN },
      { key: "Shift+ArrowLeft", says: "ten", run: RUN },
      { key: "Enter", says: "only listed" },
    ],
  },
  {
    title: EVERYWHERE,
    bindings: [
      { key: "a", says: "acknowledge", run: RUN },
      { key: "/", says: "search", run: RUN },
    ],
  },
];

function press(key: string, more: Partial<KeyboardEvent> = {}) {
  const event = {
    key,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    shiftKey: false,
    defaultPrevented: false,
    repeat: false,
    target: { tagName: "BODY" } as unknown as EventTarget,
    ...more,
  };
  return (letters = true) => bindingFor(event, BOUND, letters)?.says ?? null;
}

describe("a key", () => {
  it("means what the page says before what the frame says", () => {
    expect(press("a")()).toBe("the page's own");
    expect(press("/")()).toBe("search");
  });

  it("is a letter of a text while somebody types, and nothing while a dialog is open", () => {
    expect(
      press("a", { target: { tagName: "INPUT", type: "text" } as unknown as EventTarget })(),
    ).toBeNull();
    expect(press("a", { target: { tagName: "TEXTAREA" } as unknown as EventTarget })()).toBeNull();
    expect(
      press("a", { target: { tagName: "P", isContentEditable: true } as unknown as EventTarget })(),
    ).toBeNull();
    const inDialog = { tagName: "BUTTON", closest: () => ({}) } as unknown as EventTarget;
    expect(press("a", { target: inDialog })()).toBeNull();
    expect(
      press("a", { target: { tagName: "INPUT", type: "checkbox" } as unknown as EventTarget })(),
    ).not.toBeNull();
  });

  it("leaves the browser's own alone, and does not repeat while it is held", () => {
    expect(press("a", { ctrlKey: true })()).toBeNull();
    expect(press("a", { metaKey: true })()).toBeNull();
    expect(press("a", { repeat: true })()).toBeNull();
    expect(press("ArrowLeft", { repeat: true })()).toBe("a pixel");
  });

  it("of a single letter can be turned off, the arrows stay", () => {
    expect(press("a")(false)).toBeNull();
    expect(press("/")(false)).toBeNull();
    expect(press("ArrowLeft")(false)).toBe("a pixel");
  });

  it("is another one with Shift, but for signs that need Shift on some keyboards", () => {
    expect(press("ArrowLeft", { shiftKey: true })()).toBe("ten");
    expect(press("A", { shiftKey: true })()).toBeNull();
    expect(press("/", { shiftKey: true })()).toBe("search");
  });

  it("that an element handles by itself is only listed", () => {
    expect(press("Enter")()).toBeNull();
  });

  it("is called as it is printed", () => {
    expect(keyWords("Shift+ArrowUp")).toEqual(["Shift", "↑"]);
    expect(keyWords("a")).toEqual(["A"]);
    expect(keyWords("+")).toEqual(["+"]);
  });
});
