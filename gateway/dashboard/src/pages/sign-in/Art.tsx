const JACK = (
  <>
    <path d="M-92 0H120M-26 0L10-118 46 0M-10-52H30M-92-104L100-136" />
    <path d="M116-124V0M-88-104L-80-26M-96-12L-50-36" />
    <circle cx="10" cy="-121" r="6" fill="var(--sunk)" />
  </>
);

/** Three pumpjacks before a low sun. */
export function Art() {
  return (
    <div class="art" aria-hidden="true">
      <svg viewBox="0 0 960 900" preserveAspectRatio="xMidYMax slice">
        <circle cx="640" cy="600" r="120" fill="var(--raised)" opacity=".85" />
        <path
          d="M0 640C160 600 300 622 460 606 640 588 780 616 960 590V900H0z"
          fill="var(--line)"
          opacity=".55"
        />
        <path
          d="M0 700C200 668 380 690 560 672 720 658 840 676 960 664V900H0z"
          fill="var(--edge)"
          opacity=".35"
        />
        <Jack at="770 664" size={0.55} colour="var(--edge)" />
        <Jack at="560 674" size={0.4} colour="var(--edge)" />
        <Jack at="300 742" size={1.35} colour="var(--ink2)" />
        <path d="M0 742H960V900H0z" fill="var(--line)" />
        <path d="M0 742H960" stroke="var(--ink2)" stroke-width="3" />
      </svg>
    </div>
  );
}

function Jack({ at, size, colour }: { at: string; size: number; colour: string }) {
  return (
    <g
      transform={`translate(${at}) scale(${size})`}
      fill="none"
      stroke={colour}
      stroke-width="5"
      stroke-linecap="round"
      stroke-linejoin="round"
    >
      {JACK}
      <path d="M96-152L112-158A130 130 0 0 1 118-104L98-116z" fill={colour} />
    </g>
  );
}
