"""Elements and attributes of SVG 2 that a process picture may have."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


ELEMENTS = _words("""
    svg g defs title desc path rect circle ellipse line polyline polygon text tspan use symbol
    clipPath mask pattern linearGradient radialGradient stop marker
""")
DROPPED = _words("style metadata")
"""What editors write and a page needs not."""
REFERRING = _words("use linearGradient radialGradient pattern")
GEOMETRY = _words("""
    d x y x1 y1 x2 y2 cx cy r rx ry dx dy fx fy width height points viewBox preserveAspectRatio
    pathLength textLength lengthAdjust rotate transform offset gradientUnits gradientTransform
    spreadMethod patternUnits patternContentUnits patternTransform markerWidth markerHeight
    markerUnits orient refX refY clipPathUnits maskUnits maskContentUnits
""")
MEANING = _words("class role aria-label aria-hidden")
ATTRIBUTES = GEOMETRY | MEANING
PRESENTATION = _words("""
    clip-path clip-rule color display dominant-baseline fill fill-opacity fill-rule font-family
    font-size font-style font-weight letter-spacing marker-end marker-mid marker-start mask opacity
    paint-order shape-rendering stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset
    stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width text-anchor
    text-decoration vector-effect visibility word-spacing
""")
FUNCTIONS = _words("matrix translate scale rotate skewx skewy var rgb rgba hsl hsla")
"""What may be called in a value; of url() only a place in the picture itself."""
