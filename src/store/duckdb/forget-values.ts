/**
 * Forgets what keys of dictionaries spell, once the values were erased. While the store is open, a commit to come may
 * still use such a key: for a click of another partition, which has not erased the value yet, or for one that came after.
 * So the keys are noted, and looked at when the store is opened, where nothing is on its way.
 */

import { randomUUID } from "node:crypto";
import type { HoldersQuery } from "../../model/erasing.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./compact.ts";
import type { Connection } from "./connection.ts";
import { dictionaryTable, keyColumn, quoted, textLiteral } from "./schema.ts";

/** Rows of `meta` whose value is the key and the dictionary. */
const metaName = "erased_key";

/** Within the commit's transaction. */
export async function noteErasedKeys(
  writer: Connection,
  { catalog }: { readonly catalog: Catalog },
  { field, values }: HoldersQuery,
): Promise<void> {
  const dictionary = dictionaryTable(field);
  if (!catalog.hasTable(dictionary)) return;
  const texts = values.map((_, i) => `$${i + 1}`).join(", ");
  await writer.run(
    `INSERT INTO meta SELECT '${metaName}', "key" || ' ' || ${textLiteral(field)}
     FROM ${quoted(dictionary)} WHERE "value" IN (${texts})`,
    values,
  );
}

/** Nothing may be committed meanwhile, and no dictionary be read before. */
export async function forgetErasedValues(connection: Connection, catalog: Catalog): Promise<void> {
  const noted = await connection.rows(
    `SELECT DISTINCT "value" FROM meta WHERE "name" = '${metaName}'`,
  );
  if (noted.length === 0) return;
  await transaction(connection, async () => {
    for (const [value] of noted) {
      const [key, ...words] = (value as string).split(" ");
      await forget(connection, catalog, words.join(" "), Number(key));
    }
    await connection.run(`DELETE FROM meta WHERE "name" = '${metaName}'`);
  });
}

/** Its place stays taken: keys have no gaps. A key that is in use again has been sent again since. */
async function forget(
  connection: Connection,
  catalog: Catalog,
  dictionary: string,
  key: number,
): Promise<void> {
  const column = keyColumn(dictionary).name;
  const uses = catalog
    .all()
    .filter((table) => table.has(column))
    .map(({ name }) => `SELECT 1 FROM ${quoted(name)} WHERE ${quoted(column)} = ${key}`);
  const [isUsed] = await connection.rows(`SELECT EXISTS (${uses.join(" UNION ALL ")})::INTEGER`);
  if (isUsed![0] === 1) return;
  await connection.run(
    `UPDATE ${quoted(dictionaryTable(dictionary))} SET "value" = $1 WHERE "key" = ${key}`,
    [`erased ${randomUUID()}`],
  );
}
