import { defineConfig } from "vitest/config";
import { size } from "./size.ts";

const BUILT = "../api/pages/dashboard";

// Everything is a file of its own origin: the page's content security policy allows no script or
// style inside the page, and none from elsewhere.
export default defineConfig({
  base: "/dashboard/",
  plugins: [size(BUILT)],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  worker: { format: "es" },
  test: { include: ["tests/**/*.test.ts", "tests/**/*.test.tsx"], testTimeout: 20_000 },
});
