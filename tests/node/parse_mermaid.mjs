// Parse Mermaid files with mermaid's own parser; print a line of JSON for each: its type or its error.
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const { window } = new JSDOM("");
globalThis.window = window;
globalThis.document = window.document;
const { default: mermaid } = await import("mermaid");

for (const file of process.argv.slice(2)) {
  try {
    const { diagramType } = await mermaid.parse(readFileSync(file, "utf8"));
    console.log(JSON.stringify({ file, type: diagramType }));
  } catch (error) {
    console.log(JSON.stringify({ file, error: error.message }));
  }
}
