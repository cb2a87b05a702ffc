/** Of its name, in UTF-8. */
export const sourceBytesMax = 128;

/** Clicks that came by tracked links. */
export const trackerSource = "tracker";

/** Imports name their source so; nobody else may. */
const importPrefix = "import:";

export function importSource(file: string): string {
  return `${importPrefix}${file}`;
}

export function isImport(source: string): boolean {
  return source.startsWith(importPrefix);
}
