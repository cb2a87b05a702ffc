/**
 * Forgets what keys of dictionaries spell, once the values were erased. While the store is open, a commit to come may
 * still use such a key: for a click of another partition, which has not erased the value yet, or for one that came after.
 * So the keys are noted, and looked at when the store is opened, where nothing is on its way.
 */

import type { ErasedValues } from "../../model/erasing.ts";
import type { Catalog } from "./catalog.ts";
import { transaction } from "./compact.ts";
import type { Connection } from "./connection.ts";
import { dictionaryTable, keyColumn, quoted } from "./schema.ts";

/** Rows of `meta` whose value is the key and the dictionary. */
const metaName = "erased_key";

/** Keys of these values, of which there may be a thousand; none where the dimension has no dictionary. */
export async function keysOf(
  connection: Connection,
  catalog: Catalog,
  { field, values }: ErasedValues,
): Promise<number[]> {
  const dictionary = dictionaryTable(field);
  if (!catalog.hasTable(dictionary)) return [];
  const found = await connection.rows(
    `SELECT "key" FROM ${quoted(dictionary)} WHERE "value" IN (${values.map((_, i) => `$${i + 1}`).join(", ")})`,
    values,
  );
  return found.map(([key]) => key as number);
}

/** Within the commit's transaction. */
export async function noteErasedKeys(
  writer: Connection,
  field: string,
  keys: readonly number[],
): Promise<void> {
  if (keys.length === 0) return;
  const rows = keys.map((key) => `('${metaName}', '${key} ${field}')`);
  await writer.run(`INSERT INTO meta VALUES ${rows.join(", ")}`);
}

/** Nothing may be committed meanwhile, and no dictionary be read before. */
export async function forgetErasedValues(connection: Connection, catalog: Catalog): Promise<void> {
  const noted = await connection.rows(
    `SELECT DISTINCT "value" FROM meta WHERE "name" = '${metaName}'`,
  );
  if (noted.length === 0) return;
  const byDictionary = Map.groupBy(
    noted.map(([value]) => (value as string).split(" ") as [key: string, dictionary: string]),
    ([, dictionary]) => dictionary,
  );
  await transaction(connection, async () => {
    for (const [dictionary, keys] of byDictionary) {
      const numbers = keys.map(([key]) => Number(key));
      await forget(connection, catalog, dictionary, numbers);
    }
    await connection.run(`DELETE FROM meta WHERE "name" = '${metaName}'`);
  });
}

/** Their places stay taken: keys have no gaps. A key that is in use again has been sent again since. */
async function forget(
  connection: Connection,
  catalog: Catalog,
  dictionary: string,
  keys: readonly number[],
): Promise<void> {
  const column = keyColumn(dictionary).name;
  const list = keys.join(", ");
  const uses = catalog
    .all()
    .filter((table) => table.has(column))
    .map(
      ({ name }) =>
        `SELECT ${quoted(column)} AS used FROM ${quoted(name)} WHERE ${quoted(column)} IN (${list})`,
    );
  const found = await connection.rows(`SELECT DISTINCT used FROM (${uses.join(" UNION ALL ")})`);
  const used = new Set(found.map(([key]) => key as number));
  const unused = keys.filter((key) => !used.has(key));
  if (unused.length === 0) return;
  await connection.run(
    `UPDATE ${quoted(dictionaryTable(dictionary))} SET "value" = 'erased ' || uuid()
     WHERE "key" IN (${unused.join(", ")})`,
  );
}
