import { Dialog } from "../parts/Dialog.tsx";
import { Button } from "../parts/Button.tsx";
import { EVERYWHERE, groups, keyWords } from "./keys.ts";
import { letterKeys } from "./preferences.ts";

/** All keys that do something now. */
export function KeysDialog({ onClose }: { onClose: () => void }) {
  const byTitle = new Map<string, { key: string; says: string }[]>();
  for (const group of groups.value) {
    const known = byTitle.get(group.title) ?? [];
    known.push(...group.bindings);
    byTitle.set(group.title, known);
  }
  const listed = [...byTitle].sort(
    ([a], [b]) => Number(a === EVERYWHERE) - Number(b === EVERYWHERE),
  );
  return (
    <Dialog
      title="Keys"
      onClose={onClose}
      footer={
        <Button autofocus onClick={onClose}>
          Close
        </Button>
      }
    >
      {listed.map(([title, bindings]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl class="keylist">
            {bindings.map((binding) => (
              <>
                <dt>
                  {keyWords(binding.key).map((part) => (
                    <kbd key={part}>{part}</kbd>
                  ))}
                </dt>
                <dd>{binding.says}</dd>
              </>
            ))}
          </dl>
        </section>
      ))}
      <LetterKeys />
    </Dialog>
  );
}

/** Speech input and shaky hands press letters by mistake: they can be turned off. */
export function LetterKeys() {
  return (
    <label class="switch">
      <input
        type="checkbox"
        class="chk"
        checked={letterKeys.value}
        onChange={(event) => (letterKeys.value = event.currentTarget.checked)}
      />
      <span>Keys of a single letter or sign do something</span>
    </label>
  );
}
