import { join } from "node:path";
import { openDuckDbStore } from "../../../src/store/duckdb/duckdb-store.ts";
import { describeClickStore } from "../../contract/click-store.contract.ts";

describeClickStore("the DuckDB store", (directory) =>
  openDuckDbStore({
    path: join(directory, "store.duckdb"),
    memoryBytesMax: 256_000_000,
    threads: 2,
  }),
);
