/** Why what was asked for in a dialog or panel was not done, read out at once; null: nothing is wrong. */
export function Problem({ says }: { says: string | null }) {
  if (says === null) return null;
  return (
    <p class="note problem" role="alert">
      {says}
    </p>
  );
}
