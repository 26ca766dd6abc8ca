// One SVG sprite of the icons named in icons.txt, from @tabler/icons (MIT).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

export function sprite(): Plugin {
  return {
    name: "shizhu-sprite",
    generateBundle() {
      const icons = join(process.cwd(), "node_modules/@tabler/icons/icons/outline");
      const names = readFileSync(new URL("icons.txt", import.meta.url), "utf8").split(/\s+/).filter(Boolean);
      const symbols = names.map((name) => {
        const svg = readFileSync(join(icons, `${name}.svg`), "utf8");
        const body = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/^[\s\S]*?<svg[^>]*>/, "").replace("</svg>", "");
        return `<symbol id="${name}" viewBox="0 0 24 24">${body.replace(/\s*\n\s*/g, "")}</symbol>`;
      });
      this.emitFile({
        type: "asset",
        fileName: "icons.svg",
        source: `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`,
      });
      // the tokens by themselves: the page /design and its test read them
      this.emitFile({ type: "asset", fileName: "tokens.css", source: readFileSync(new URL("src/styles/tokens.css", import.meta.url), "utf8") });
    },
  };
}
