import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

interface Package {
  name: string;
  version: string;
  license?: string;
  dependencies?: Record<string, string>;
}

/** Writes licences.txt: whose work is in the built files, and on which terms. */
export function licences(): Plugin {
  let root = "";
  return {
    name: "licences",
    apply: "build",
    configResolved(config) {
      root = config.root;
    },
    generateBundle() {
      const used = new Map<string, string>();
      gather(root, read(root), used);
      const source = [...used]
        .sort()
        .map(([, text]) => text)
        .join(`\n${"-".repeat(72)}\n\n`);
      this.emitFile({ type: "asset", fileName: "licences.txt", source });
    },
  };
}

function gather(root: string, of: Package, used: Map<string, string>): void {
  for (const name of Object.keys(of.dependencies ?? {})) {
    const folder = join(root, "node_modules", name);
    if (used.has(name) || !existsSync(folder)) continue;
    const found = read(folder);
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    const terms =
      file === undefined
        ? `${found.license ?? "unknown"}\n`
        : readFileSync(join(folder, file), "utf8");
    used.set(name, `${found.name} ${found.version} (${found.license ?? "see below"})\n\n${terms}`);
    gather(root, found, used);
  }
}

function read(folder: string): Package {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Package;
}
