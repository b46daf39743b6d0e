import { svg } from "./drawn.ts";

/** Puts an element of the picture into a link, so that the keyboard reaches it too. */
export function linked(element: SVGElement, href: string, go: (href: string) => void): SVGAElement {
  const link = svg("a", { href, class: "vlink" });
  element.replaceWith(link);
  link.append(element);
  // the router knows links of HTML only
  link.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(href);
  });
  return link;
}
