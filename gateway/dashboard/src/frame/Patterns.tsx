/** What drawings fill with where nothing is (#hatch) and where it is BAD (#hazard). */
export function Patterns() {
  return (
    <svg width="0" height="0" style={{ position: "absolute" }} aria-hidden="true">
      <defs>
        <pattern
          id="hatch"
          width="6"
          height="6"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="6" height="6" fill="var(--sunk)" />
          <path d="M0 0v6" stroke="var(--ink3)" stroke-width="1.6" />
        </pattern>
        <pattern
          id="hazard"
          width="7"
          height="7"
          patternUnits="userSpaceOnUse"
          patternTransform="rotate(45)"
        >
          <rect width="7" height="7" fill="var(--raised)" />
          <path d="M1.5 0v7" stroke="var(--ink)" stroke-width="3.5" />
        </pattern>
      </defs>
    </svg>
  );
}
