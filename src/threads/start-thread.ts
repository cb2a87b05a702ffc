/** Starts the threads of a process, and makes what they do callable. */

import type { Transferable } from "node:worker_threads";
import { Worker } from "node:worker_threads";
import type { IngestService } from "../ingest/ingest-service.ts";
import type { WatcherStatus } from "../model/log-source.ts";
import type { QueryService } from "../query/query-service.ts";
import { queryServiceBy } from "../query/query-service.ts";
import { threadOptions } from "../runtime/older-node.ts";
import type { Remote } from "./endpoint.ts";
import { connect } from "./endpoint.ts";
import type { EngineThreadData, IngestThreadData, QueryThreadData } from "./thread-data.ts";

export interface Thread {
  readonly remote: Remote;
  /** Lets it finish what is in hand, then ends it. */
  end(): Promise<void>;
}

/** Runs `NAME-thread.ts` (or its built form); a thread that dies fails the service. */
export function startThread(
  name: "ingest" | "engine" | "query",
  workerData: IngestThreadData | EngineThreadData | QueryThreadData,
  transferList: Transferable[],
  methods: Readonly<Record<string, (...args: never[]) => unknown>>,
  fail: (error: Error) => void,
): Thread {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const path = new URL(`./${name}-thread.${extension}`, import.meta.url);
  const worker = new Worker(path, { ...threadOptions, name, workerData, transferList });
  const remote = connect(worker, methods);
  let isEnding = false;
  let isDead = false;
  const died = (error: Error): void => {
    isDead = true;
    remote.close(error);
    if (!isEnding) fail(error);
  };
  worker.on("error", died);
  worker.on("exit", (code) => died(new Error(`the ${name} thread ended with code ${code}`)));
  return {
    remote,
    async end() {
      isEnding = true;
      try {
        if (!isDead) await remote.call("stop", []);
      } finally {
        await worker.terminate();
      }
    },
  };
}

export function ingestProxy(remote: Remote): IngestService {
  return {
    accept(body) {
      const bytes = ownBytes(body.bytes);
      return remote.call("accept", [{ ...body, bytes }], [bytes.buffer]);
    },
    appendControl: (control) => remote.call("appendControl", [control]),
    appendBatch(batchBytes, source) {
      const bytes = ownBytes(batchBytes);
      return remote.call("appendBatch", [bytes, source], [bytes.buffer]);
    },
  };
}

/** Bytes in a buffer of their own, which can be given away; shared pools are left alone. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && bytes.byteLength === buffer.byteLength)
    return new Uint8Array(buffer);
  return new Uint8Array(bytes);
}

/** What the ingest thread tells of the log files that it follows. */
export function watchersOf(remote: Remote): () => Promise<readonly WatcherStatus[]> {
  return () => remote.call("watchers", []);
}

export function queryProxy(remote: Remote): QueryService {
  return queryServiceBy((name, args) => remote.call(name, args));
}
