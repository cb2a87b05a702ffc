/** Appends to the queue at the path given until that fails, then tells what further calls come to. */
import { CodedError } from "../../src/model/errors.ts";
import { openSqliteQueueWriter } from "../../src/queue/sqlite/writer.ts";
import { newRecord, patternBytes } from "./queue-records.ts";

const writer = await openSqliteQueueWriter({
  path: process.argv[2]!,
  partitionCount: 1,
  maxBytes: 1 << 30,
});
const append = () => writer.append([newRecord(0, patternBytes(30_000))]);
const codeOf = (error: unknown) => (error instanceof CodedError ? error.code : String(error));
const codes: string[] = [];
let appended = 0;
for (; appended < 10_000; appended++) {
  const failure = await append().then(
    () => undefined,
    (error: unknown) => codeOf(error),
  );
  if (failure !== undefined) {
    codes.push(failure);
    break;
  }
  await new Promise(setImmediate);
}
for (const call of [append, () => writer.trim(0, 1), () => writer.sizeBytes()]) {
  await call().then(
    () => codes.push("done"),
    (error: unknown) => codes.push(codeOf(error)),
  );
}
process.stdout.write(JSON.stringify({ appended, codes }));
