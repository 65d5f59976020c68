// What the whole page weighs on its way to a browser, printed by each build.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const MOST = 300_000; // bytes compressed, with what is loaded only when it is needed
const LEVEL = 9; // as the service compresses it

/** Adds up what a build has written; an error if it is too much. */
export function size(directory: string): Plugin {
  return {
    name: "size",
    apply: "build",
    closeBundle(): void {
      const bytes = filesIn(directory)
        .map((path) => gzipSync(readFileSync(path), { level: LEVEL }).length)
        .reduce((sum, length) => sum + length, 0);
      const said = `${(bytes / 1000).toFixed(1)} kB compressed in all, of at most ${MOST / 1000}`;
      if (bytes > MOST) {
        this.error(said);
      }
      this.info(said);
    },
  };
}

function filesIn(directory: string): string[] {
  return readdirSync(directory)
    .map((name) => join(directory, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesIn(path) : [path]));
}
