/** Lets the screens be installed, and opened without the gateway. Where the browser cannot, nothing is lost. */
export function registerWorker(): void {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const register = () =>
    void navigator.serviceWorker
      .register("/sw.js", { scope: "/", updateViaCache: "none" })
      .catch(() => undefined);
  // after what the page itself needs
  if (document.readyState === "complete") register();
  else addEventListener("load", register, { once: true });
}
