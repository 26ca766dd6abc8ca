// Builds the islands into the Django static folder, with a manifest the template tag reads.
import { defineConfig } from "vite";
import { sprite } from "./sprite.ts";

export default defineConfig({
  base: "./",
  plugins: [sprite()],
  build: {
    outDir: "../src/shizhu/web/static/build",
    emptyOutDir: true,
    manifest: "manifest.json",
    chunkSizeWarningLimit: 2000,
    rollupOptions: { input: { main: "src/main.ts", map: "src/map.ts", place: "src/place.ts", chart: "src/chart.ts", meeting: "src/meeting.ts", review: "src/review.ts", board: "src/board.ts", warning: "src/warning.ts", speak: "src/speak.ts", flow: "src/flow.ts", tables: "src/tables.ts", "flow-view": "src/flow-view.ts", field: "src/field.ts", door: "src/door.ts" } },
  },
});
