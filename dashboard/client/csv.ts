/** Tables as CSV, all of their pages in one file, exactly as the service tells them. */

import { ask, pathWith } from "./api.ts";

/** A page is as long as the API gives it; a table that goes on is cut here, and said to be. */
const pagesMax = 50;

export interface CsvTable {
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Rows in a page, where the path has pages. */
  readonly limit?: number;
}

/** Whether the whole table is in it. */
export async function saveCsv(
  { path, parameters, limit }: CsvTable,
  fileName: string,
): Promise<boolean> {
  const parts: string[] = [];
  let cursor = "";
  do {
    const page = { ...parameters, ...(limit && { limit: String(limit) }), cursor };
    const response = await ask(pathWith(path, page), { headers: { accept: "text/csv" } });
    const text = await response.text();
    // The line of names stands once.
    parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
    cursor = decodeURI(response.headers.get("x-clicktally-next-cursor") ?? "");
  } while (cursor !== "" && parts.length < pagesMax);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  link.download = fileName;
  link.click();
  // Once the browser has taken it over.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  return cursor === "";
}
