import { calmWords, urgentWords } from "./announce.ts";

export function LiveRegions() {
  return (
    <div class="vh">
      <div aria-live="assertive">{urgentWords}</div>
      <div aria-live="polite">{calmWords}</div>
    </div>
  );
}
