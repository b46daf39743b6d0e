import { useState } from "preact/hooks";
import { clockText, dayText, offsetText, zoneName } from "../model/times.ts";
import { Button } from "../parts/Button.tsx";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { Segment } from "../parts/Segment.tsx";
import { config, me, role, session, tenant } from "./gateway.ts";
import { LetterKeys } from "./KeysDialog.tsx";
import { type Theme, theme } from "./preferences.ts";
import { zone } from "./zone.ts";

const THEMES = [
  { value: "system", text: "As the system" },
  { value: "light", text: "Light" },
  { value: "dark", text: "Dark" },
] as const satisfies readonly { value: Theme; text: string }[];

/** Who is signed in, and what they chose for this screen. */
export function Account({ onKeys }: { onKeys: () => void }) {
  const [isOpen, setOpen] = useState(false);
  const name = me.value?.email ?? me.value?.subject ?? "";
  return (
    <>
      <button type="button" class="who" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="person" />
        <span>
          {role.value} <span>{name}</span>
        </span>
        <b class="vh"> account and theme</b>
      </button>
      {isOpen && (
        <AccountDialog
          onClose={() => setOpen(false)}
          onKeys={() => {
            setOpen(false);
            onKeys();
          }}
        />
      )}
    </>
  );
}

function AccountDialog({ onClose, onKeys }: { onClose: () => void; onKeys: () => void }) {
  const ends = session.expiresMs.value;
  const at = zone.value;
  return (
    <Dialog
      title="You and this screen"
      onClose={onClose}
      footer={
        <>
          <Button onClick={() => session.signOut()}>Sign out</Button>
          <Button kind="pri" autofocus onClick={onClose}>
            Close
          </Button>
        </>
      }
    >
      <dl class="dl">
        <dt>Signed in as</dt>
        <dd>{me.value?.email ?? me.value?.subject ?? "not known yet"}</dd>
        <dt>Role</dt>
        <dd>{role.value}</dd>
        <dt>Tenant</dt>
        <dd>{tenant.value}</dd>
        {ends !== null && (
          <>
            <dt>Until</dt>
            <dd>
              {dayText(ends, at)} {clockText(ends, at)} {zoneName(ends, at)} {offsetText(ends, at)}
            </dd>
          </>
        )}
        <dt>Time zone</dt>
        <dd>{at}, that of the wells on the screen</dd>
        {config.value !== null && (
          <>
            <dt>Gateway</dt>
            <dd>
              {config.value.version} at {location.host}
            </dd>
          </>
        )}
      </dl>
      <div class="row wrap">
        <b>Theme</b>
        <Segment
          label="Theme"
          options={THEMES}
          value={theme.value}
          onChange={(chosen) => (theme.value = chosen)}
        />
      </div>
      <LetterKeys />
      <div class="row">
        <Button onClick={onKeys}>All keys</Button>
      </div>
    </Dialog>
  );
}
