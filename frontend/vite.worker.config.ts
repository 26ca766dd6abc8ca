// Bundles the service worker of the field page into one script: not every browser takes modules there.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    outDir: "../src/shizhu/web/static/build",
    emptyOutDir: false,
    lib: { entry: "src/field-sw.ts", name: "shizhuField", formats: ["iife"], fileName: () => "field-sw.js" },
  },
});
