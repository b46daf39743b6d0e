import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import type { Plugin } from "vite";

const WORKER = "sw.js";
/** Not what a page needs. */
const LEFT_OUT = new Set([WORKER, "licences.txt"]);

/** Tells the service worker which files there are, so that a build keeps exactly its own. */
export function workerFiles(): Plugin {
  let folder = "";
  return {
    name: "worker-files",
    apply: "build",
    configResolved(config) {
      folder = config.build.outDir;
    },
    closeBundle() {
      const files: Record<string, string> = {};
      for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
        const path = join(folder, name);
        if (LEFT_OUT.has(name) || /\.(br|gz)$/.test(name) || !statSync(path).isFile()) continue;
        files[`/${name.split(sep).join("/")}`] = digestOf(readFileSync(path));
      }
      const worker = join(folder, WORKER);
      const list = JSON.stringify(files);
      const text = readFileSync(worker, "utf8");
      const build = digestOf(Buffer.from(text + list)).slice(0, 16);
      const filled = text.replaceAll("__FILES__", () => list).replaceAll("__BUILD__", `"${build}"`);
      if (filled === text) throw new Error("sw.js has no place for the list of files");
      writeFileSync(worker, filled);
    },
  };
}

function digestOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
