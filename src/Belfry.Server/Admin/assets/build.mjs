// Copies what the pages use out of node_modules into dist/, trimmed, and packs texts once with gzip.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const from = (path) => readFileSync(new URL(`node_modules/${path}`, import.meta.url));
const own = (name) => readFileSync(new URL(`own/${name}`, import.meta.url), "utf8");
const dist = new URL("dist/", import.meta.url);

// Everything of Tabler lies in a cascade layer, so that a rule of ours wins without !important.
const tabler = from("@tabler/core/dist/css/tabler.min.css").toString()
  .replace(/^@charset "UTF-8";/, "")
  .replace(/\/\*# sourceMappingURL=.*?\*\//, "");

const texts = {
  "tabler.css": `@layer tabler{${tabler}}`,
  "htmx.js": from("htmx.org/dist/htmx.min.js").toString().replace(/\n?\/\/# sourceMappingURL=.*$/m, ""),
  ...Object.fromEntries(readdirSync(new URL("own/", import.meta.url)).map((name) => [name, trim(name, own(name))])),
};
const fonts = {
  "inter.woff2": from("@fontsource-variable/inter/files/inter-latin-wght-normal.woff2"),
  "mono.woff2": from("@fontsource-variable/jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2"),
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist);
for (const [name, text] of Object.entries(texts)) writeFileSync(new URL(`${name}.gz`, dist), gzipSync(text, { level: 9 }));
for (const [name, bytes] of Object.entries(fonts)) writeFileSync(new URL(name, dist), bytes);
writeFileSync(new URL("built.txt", dist), "");

function trim(name, text) {
  return name.endsWith(".css")
    ? text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/\s*\n\s*/g, "\n").replace(/\n+/g, "\n")
    : text;
}
