import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { licences } from "./vite/licences.ts";
import { precompress } from "./vite/precompress.ts";
import { workerFiles } from "./vite/worker-files.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const GATEWAY = process.env["PUMPJACK_GATEWAY"] ?? "http://127.0.0.1:4000";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("../pumpjack_gateway/screens"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy has no data: for styles and scripts
    modulePreload: { polyfill: false }, // it would be an inline script
    reportCompressedSize: false,
    rolldownOptions: {
      input: { index: path("index.html"), sw: path("src/sw/worker.ts") },
      output: {
        entryFileNames: ({ name }) => (name === "sw" ? "sw.js" : "assets/[name]-[hash].js"),
      },
    },
  },
  plugins: [licences(), workerFiles(), precompress()],
  server: { proxy: { "/api": GATEWAY, "/screens": GATEWAY } },
});
