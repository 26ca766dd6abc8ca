// Bundles a service worker into one script: not every browser takes modules there. The mode names the page: field, door.
import { defineConfig } from "vite";

export default defineConfig(({ mode }) => ({
  build: {
    outDir: "../src/shizhu/web/static/build",
    emptyOutDir: false,
    lib: { entry: `src/${mode}-sw.ts`, name: `shizhu_${mode}`, formats: ["iife"], fileName: () => `${mode}-sw.js` },
  },
}));
