import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { licences } from "./vite/licences.ts";
import { precompress } from "./vite/precompress.ts";

const GATEWAY = process.env["PUMPJACK_GATEWAY"] ?? "http://127.0.0.1:4000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: fileURLToPath(new URL("../pumpjack_gateway/screens", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy has no data: for styles and scripts
    modulePreload: { polyfill: false }, // it would be an inline script
    reportCompressedSize: false,
  },
  plugins: [licences(), precompress()],
  server: { proxy: { "/api": GATEWAY, "/screens": GATEWAY } },
});
