import { useSignal } from "@preact/signals";
import { session } from "../../frame/gateway.ts";
import { Button } from "../../parts/Button.tsx";
import { Field } from "../../parts/Field.tsx";

export interface TokenFormProps {
  /** The one way to sign in here. */
  isOnly: boolean;
  /** Why nobody is signed in any more. */
  why: string | null;
  onSignedIn: () => void;
}

/** For a gateway on this machine, whose tokens the command line makes. */
export function TokenForm({ isOnly, why, onSignedIn }: TokenFormProps) {
  const text = useSignal("");
  const wrong = useSignal<string | null>(null);

  function submit(event: Event) {
    event.preventDefault();
    wrong.value =
      text.peek().trim() === ""
        ? "Paste a token first. Make one with: pumpjack token"
        : session.signInWithToken(text.peek());
    if (wrong.value === null) onSignedIn();
  }

  return (
    <form onSubmit={submit}>
      <Field
        label="Token"
        wrong={wrong.value ?? why ?? undefined}
        hint={
          <>
            Make one with: <span class="mono">pumpjack token --role operator</span>
          </>
        }
      >
        {(ties) => (
          <input
            {...ties}
            class="input mono"
            name="token"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
              wrong.value = null;
            }}
          />
        )}
      </Field>
      <Button type="submit" big kind={isOnly ? "pri" : "plain"}>
        Sign in with token
      </Button>
    </form>
  );
}
