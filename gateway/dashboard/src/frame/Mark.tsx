/** The project's sign: a pumpjack. */
export function Mark() {
  return (
    <svg
      viewBox="0 0 32 32"
      fill="none"
      stroke-width="2.2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d="M3 28h26M9 28l5.5-15 5.5 15M11.5 21h6M4.5 14.5L25 10M25 6.5c2.5 1.5 3 4.5 2 8M26.8 15V28M5 14.5v8" />
    </svg>
  );
}
