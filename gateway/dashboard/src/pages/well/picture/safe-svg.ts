// A drawing from the gateway, taken into the page element by element. The gateway has its allow-list
// (pictures/allowed.py); this one does not rely on it: what is not listed here does not get in.

const SVG = "http://www.w3.org/2000/svg";
const ELEMENTS = words(`
  svg g defs title desc path rect circle ellipse line polyline polygon text tspan use symbol
  clipPath mask pattern linearGradient radialGradient stop marker
`);
const ATTRIBUTES = words(`
  id class role aria-label aria-hidden
  d x y x1 y1 x2 y2 cx cy r rx ry dx dy fx fy width height points viewBox preserveAspectRatio
  pathLength textLength lengthAdjust rotate transform offset gradientUnits gradientTransform
  spreadMethod patternUnits patternContentUnits patternTransform markerWidth markerHeight
  markerUnits orient refX refY clipPathUnits maskUnits maskContentUnits
  clip-path clip-rule color display dominant-baseline fill fill-opacity fill-rule font-family
  font-size font-style font-weight letter-spacing marker-end marker-mid marker-start mask opacity
  paint-order shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset
  stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor
  text-decoration vector-effect visibility word-spacing
`);
const OWN_PLACE = /^#[A-Za-z][A-Za-z0-9_.-]*$/;
const OWN_URL = /url\(#[A-Za-z][A-Za-z0-9_.-]*\)/g;

/** The drawing, ready to be put into the document. Null where the text is no SVG. */
export function safeDrawing(text: string): SVGSVGElement | null {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml");
  const root = parsed.documentElement;
  if (root.namespaceURI !== SVG || root.localName !== "svg") return null;
  if (parsed.querySelector("parsererror") !== null) return null;
  strip(root);
  return document.importNode(root, true) as unknown as SVGSVGElement;
}

/** Whether an attribute may stay as it is. */
export function isAllowed(name: string, value: string): boolean {
  if (name === "href" || name === "xlink:href") return OWN_PLACE.test(value);
  if (!ATTRIBUTES.has(name)) return false;
  // url() only to a place in the drawing itself, and no escape that could hide another one
  return !value.includes("\\") && !/url\s*\(|image\s*\(|src\s*\(/i.test(value.replaceAll(OWN_URL, ""));
}

/** Whether an element may stay. */
export function isAllowedElement(name: string): boolean {
  return ELEMENTS.has(name);
}

function strip(element: Element): void {
  for (const { name, value } of [...element.attributes]) {
    if (name !== "xmlns" && !isAllowed(name, value)) element.removeAttribute(name);
  }
  for (const child of [...element.children]) {
    if (child.namespaceURI === SVG && isAllowedElement(child.localName)) strip(child);
    else child.remove();
  }
}

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
