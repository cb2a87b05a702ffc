/**
 * The file of the SQLite click queue.
 *
 *   partitions           one row a partition: where its log begins
 *     first_offset       the oldest offset that is left; where none is, the next offset
 *     clicks_before      clicks in all records before it, since ever
 *   records_0, …         the log of a partition, one row a record
 *     offset             without gaps
 *     click_count        clicks in the record
 *     clicks_end         clicks in all records up to and with it, so that a backlog is two look-ups
 *     received_at_ms
 *     crc                see checksum.ts
 *     bytes              last: the small columns are read without the pages that large bytes overflow to
 *
 * Beside it lie SQLite's own `-wal` and `-shm`, and `.acked`, which says how far the log must reach (acked-ends.ts).
 *
 * A table a partition: rows come only at the end of its tree, so its pages are filled to the last record.
 * `application_id` marks the file, `user_version` is the version of this format.
 */

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { CodedError } from "../../model/errors.ts";
import { openFailure } from "./failures.ts";

const formatVersion = 1;
/** "ctlq" */
const applicationId = 0x63746c71;
/** A partition is a table with a page of its own that each commit to it writes. */
const partitionCountMax = 256;
/** Measured with groups of 50 KB to 1 MB: 1.4 times the throughput of 4 KB; larger pages slow small groups. */
const pageBytes = 8_192;
/** How long a connection waits for another's lock. Only opening, closing and full checkpoints take any. */
const lockWaitMsMax = 5_000;

export function recordsTable(partition: number): string {
  return `records_${partition}`;
}

/**
 * Opens the queue for appending, made where it is missing. `check` may refuse what is there, before anything of it is
 * changed.
 */
export function openForWriting(
  path: string,
  partitionCount: number,
  check: (existing: DatabaseSync | undefined) => void,
): DatabaseSync {
  if (
    !Number.isInteger(partitionCount) ||
    partitionCount < 1 ||
    partitionCount > partitionCountMax
  ) {
    throw new CodedError(
      "invalid_configuration",
      `a click queue has 1 to ${partitionCountMax} partitions, not ${partitionCount}`,
    );
  }
  // Opening for writing may rewrite the file (recovery, checkpoint), so what it is is found out read-only.
  const existing = openForReading(path);
  try {
    if (existing) checkPartitionCount(existing, path, partitionCount);
    check(existing);
  } catch (error) {
    throw openFailure(error, path);
  } finally {
    existing?.close();
  }
  return open(path, false, (database) => {
    if (!existing) create(database, partitionCount);
    // FULL syncs the WAL at every commit: what a commit returned for is on the disk.
    database.exec("PRAGMA synchronous = FULL");
    return database;
  });
}

/** Opens the queue for reading; undefined where there is none yet. */
export function openForReading(path: string): DatabaseSync | undefined {
  if (!existsSync(path)) return undefined;
  return open(path, true, (database) => {
    if (hasFormat(database, path)) return database;
    database.close();
    return undefined;
  });
}

export function countPartitions(database: DatabaseSync): number {
  return Number(database.prepare("SELECT count(*) AS n FROM partitions").get()?.["n"]);
}

function open<Result>(
  path: string,
  readOnly: boolean,
  use: (database: DatabaseSync) => Result,
): Result {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly, timeout: lockWaitMsMax });
    return use(database);
  } catch (error) {
    database?.close();
    throw openFailure(error, path);
  }
}

/** False where the file is empty, as a crash right after its creation leaves it. */
function hasFormat(database: DatabaseSync, path: string): boolean {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  const application = Number(database.prepare("PRAGMA application_id").get()?.["application_id"]);
  const tables = Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
  if (tables === 0 && version === 0) return false;
  if (application !== applicationId)
    throw new CodedError("data_corrupt", `${path} is not a click queue`);
  if (version > formatVersion) {
    throw new CodedError(
      "data_format_newer",
      `the click queue ${path} has format ${version}, this release knows up to ${formatVersion}: use a newer release`,
      { details: { path, found: version, known: formatVersion } },
    );
  }
  return true;
}

function checkPartitionCount(database: DatabaseSync, path: string, wanted: number): void {
  const found = countPartitions(database);
  if (found === wanted) return;
  throw new CodedError(
    "invalid_configuration",
    `the click queue ${path} has ${found} partitions, the configuration asks for ${wanted}; the number is fixed when the queue is made`,
    { details: { path, found, configured: wanted } },
  );
}

/**
 * No auto-vacuum: pages that a trim frees are reused by the next appends, and `queue.max_bytes` reserves that
 * space anyway. Giving it back to the file system would cost a pointer-map entry for every page written and
 * moves of live pages, to win space only after an outage of the store.
 */
function create(database: DatabaseSync, partitionCount: number): void {
  database.exec(`
    PRAGMA page_size = ${pageBytes};
    PRAGMA auto_vacuum = NONE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    BEGIN IMMEDIATE;
    CREATE TABLE partitions (
      partition INTEGER PRIMARY KEY, first_offset INTEGER NOT NULL, clicks_before INTEGER NOT NULL
    ) STRICT;
  `);
  for (let partition = 0; partition < partitionCount; partition++) {
    database.exec(`
      INSERT INTO partitions VALUES (${partition}, 0, 0);
      CREATE TABLE ${recordsTable(partition)} (
        offset INTEGER PRIMARY KEY, click_count INTEGER NOT NULL, clicks_end INTEGER NOT NULL,
        received_at_ms REAL NOT NULL, crc INTEGER NOT NULL, bytes BLOB NOT NULL
      ) STRICT;
    `);
  }
  database.exec(
    `PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${formatVersion}; COMMIT`,
  );
}
