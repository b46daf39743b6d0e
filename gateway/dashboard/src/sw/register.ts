const AFTER_MS = 5_000;

/** Lets the screens be installed, and opened without the gateway. Where the browser cannot, nothing is lost. */
export function registerWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const register = () =>
    void navigator.serviceWorker
      .register("/sw.js", { scope: "/", updateViaCache: "none" })
      .catch(() => undefined);
  // after what the page itself needs: it fetches every file
  const later = () => setTimeout(register, AFTER_MS);
  if (document.readyState === "complete") later();
  else addEventListener("load", later, { once: true });
}
