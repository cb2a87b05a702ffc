/** Parts of a document that the benchmarks write: between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`. */

/** The document with another part of this name. Error where it has none, or several. */
export function replaceMarked(document: string, name: string, content: string): string {
  const [open, close] = [`<!-- bench:${name} -->`, `<!-- /bench:${name} -->`];
  const [before, rest, ...more] = document.split(open);
  const end = rest?.indexOf(close) ?? -1;
  if (rest === undefined || end < 0 || more.length > 0)
    throw new Error(`there must be one ${open} … ${close}`);
  return `${before}${open}\n\n${content.trim()}\n\n${rest.slice(end)}`;
}
