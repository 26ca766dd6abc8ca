// Bundles feelin, the FEEL engine of bpmn.io, into one script for V8 inside Python.
import { defineConfig } from "vite";

import { mended } from "./feelin.mends.ts";

export default defineConfig({
  plugins: [mended()],
  build: {
    outDir: "../src/shizhu/lib/feel",
    emptyOutDir: false,
    lib: { entry: "src/feel.ts", name: "shizhuFeel", formats: ["iife"], fileName: () => "engine.js" },
  },
});
