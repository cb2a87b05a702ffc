/** What an ad whose clicks lie in several partitions gets wrong: where its clicks go, and by which rows each decides. */
import type { PlantedBug } from "./planted-bugs.ts";

export const spreadBugs: readonly PlantedBug[] = [
  {
    name: "the pieces of an ad not told apart in a batch",
    kind: "several",
    patches: [
      {
        file: "src/ingest/split-batch.ts",
        find: "spread === 1 ? 0 : pieceAt(batch, row, spread);",
        replace: "0;",
      },
    ],
  },
  {
    name: "a void that goes to the ad's home",
    kind: "several",
    patches: [
      {
        file: "src/ingest/split-control.ts",
        find: "    return partitionOfPiece(homeOf({ ad_id }), piece, partitionCount);",
        replace: "    return partitionOfPiece(homeOf({ ad_id }), 0 * piece, partitionCount);",
      },
    ],
  },
  {
    name: "the clicks of an ad released at its home alone",
    kind: "several",
    patches: [
      {
        file: "src/ingest/split-control.ts",
        find: "        return partitionsOf(Buffer.from(control.ad_id), partitioning).map((partition) => [",
        replace:
          "        return partitionsOf(Buffer.from(control.ad_id), { ...partitioning, spread: 1 }).map((partition) => [",
      },
    ],
  },
  {
    name: "a bucket judged by what other partitions have of it",
    kind: "several",
    patches: [
      {
        file: "src/pipeline/ask-buckets.ts",
        find: "store.bucketStates(asked, part)",
        replace: "store.bucketStates(asked, part && undefined)",
      },
    ],
  },
  {
    name: "ids of an ad given to its home at a start",
    kind: "several",
    patches: [
      {
        file: "src/pipeline/recovery.ts",
        find: "owners[partitionOfPiece(home, piece, owners.length)]",
        replace: "owners[partitionOfPiece(home, 0 * piece, owners.length)]",
      },
    ],
  },
];
