import { Button } from "../../parts/Button.tsx";
import { Dialog } from "../../parts/Dialog.tsx";

/** Where the clipboard is out of reach: the link, to be copied by hand. */
export function LinkDialog({ link, onClose }: { link: string; onClose: () => void }) {
  return (
    <Dialog title="Link to this trend" onClose={onClose} footer={<Button onClick={onClose}>Close</Button>}>
      <p>This browser does not let the page copy it. Copy it by hand:</p>
      <input
        class="input mono"
        readOnly
        autofocus
        aria-label="Link to this trend"
        value={link}
        onFocus={(event) => event.currentTarget.select()}
      />
    </Dialog>
  );
}
