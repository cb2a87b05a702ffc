/** Compares what a history has left behind, and what was answered on the way, with the naive oracle. */

import { decodeLogRecord } from "../../model/log-record-codec.ts";
import type { LogRecord } from "../../model/log-record.ts";
import type { KnownFields } from "../../model/check-filter.ts";
import { dayOfMinute, minutesADay } from "../../model/time.ts";
import type { MinuteRange } from "../../model/window.ts";
import { Random } from "../../traffic/random.ts";
import type { ChangesConsumer } from "../changes-consumer.ts";
import type { Ack } from "../client.ts";
import type { History, SemanticSettings } from "../history.ts";
import { plannedAds } from "../plan-clicks.ts";
import { planFilter } from "../plan-questions.ts";
import type { LogEntry } from "../queue/log-index.ts";
import type { ServiceUnderTest } from "../service-under-test.ts";
import { unsealed } from "../world/chunk.ts";
import { fileNames } from "../world/file-names.ts";
import type { Machine } from "../world/machine.ts";
import { cellFields, minutesOf } from "./cells.ts";
import type { RecordedAnswer } from "./judge-answers.ts";
import { differenceOf, judgeAnswers } from "./judge-answers.ts";
import { judgeAcks } from "./judge-acks.ts";
import { judgeBooks } from "./judge-books.ts";
import { judgeChanges } from "./judge-changes.ts";
import { judgeErasures } from "./judge-erasures.ts";
import { judgeOutcomes } from "./judge-outcomes.ts";
import { judgePast } from "./judge-past.ts";
import { judgeStatement } from "./judge-statement.ts";
import { PartitionedOracle } from "./partitioned-oracle.ts";
import { judgePlaces } from "./judge-places.ts";
import { judgeSelfAudit } from "./judge-self-audit.ts";
import { ask, expectedAnswer } from "./questions.ts";

export interface Evidence {
  readonly history: History;
  readonly machine: Machine;
  /** At rest, with everything committed. */
  readonly service: ServiceUnderTest;
  readonly acks: readonly Ack[];
  readonly recorded: readonly RecordedAnswer[];
  readonly consumer: ChangesConsumer;
}

const filtersMax = 2;

/** What is wrong; undefined where nothing is. */
export async function judge(evidence: Evidence): Promise<string | undefined> {
  const { history, machine, service, acks, recorded, consumer } = evidence;
  const { semantic, partitionCount, processStartsMs } = history.settings;
  const isShared = processStartsMs !== undefined;
  const logs = readLogs(machine, partitionCount);
  const oracle = new PartitionedOracle({ ...semantic, generation: 0, fromMinute: 0 }, logs);
  const known = knownFieldsOf(semantic);
  const early = judgeAnswers(oracle, recorded, known);
  if (early !== undefined) return early;
  oracle.moveToEnd();
  const { present } = oracle;
  const clicks = present.clicks.flat();
  if (clicks.length === 0) return undefined;
  const minutes = clicks.map(({ minute }) => minute);
  const range = { fromMinute: Math.min(...minutes), toMinute: Math.max(...minutes) + 1 };
  const cells = present.breakdown(range, cellFields, minutesOf(range));
  const { store, engine } = service;
  await machine.time.drive(consumer.catchUp(engine.query));
  return (
    judgeAcks(acks, present.clicks, isShared) ??
    judgeOutcomes(clicks) ??
    judgePlaces(logs) ??
    judgeChanges(oracle, cells, consumer.cells) ??
    (await machine.time.drive(judgeBooks(oracle, cells, store, engine.query, range))) ??
    (await machine.time.drive(judgeQueries(oracle, service, history.seed, range, known))) ??
    (await machine.time.drive(judgeErasures(oracle, engine.query))) ??
    (await machine.time.drive(judgeStatement(oracle, engine.query, range))) ??
    (await machine.time.drive(judgePast(oracle, service, recorded, history.seed, range, known))) ??
    // It takes hours of simulated time, in which several processes look for news some million times; one is like the other.
    (isShared ? undefined : await judgeSelfAudit(oracle, service, machine.time))
  );
}

/** Every cell and the Top-N under several filters, and each ad's number, as the query engine answers them. */
async function judgeQueries(
  oracle: PartitionedOracle,
  { engine }: ServiceUnderTest,
  seed: number,
  whole: MinuteRange,
  known: KnownFields,
): Promise<string | undefined> {
  const random = new Random(seed + 3);
  const filters = [undefined, ...Array.from({ length: filtersMax }, () => planFilter(random))];
  for (const filter of filters) {
    const fromMinute = random.between(whole.fromMinute, whole.toMinute - 1);
    const part = { fromMinute, toMinute: random.between(fromMinute + 1, whole.toMinute) };
    const lastDropped = Math.max(...oracle.dropped.raw, dayOfMinute(whole.fromMinute) - 1);
    const kept = { ...whole, fromMinute: (lastDropped + 1) * minutesADay };
    for (const kind of ["cells", "top", "count", "explain"] as const) {
      for (const range of [whole, part, ...(kept.fromMinute < whole.toMinute ? [kept] : [])]) {
        const adId = random.pick(plannedAds);
        const question = { kind, adId, ...range, ...(filter !== undefined && { filter }) };
        const { answer } = await ask(engine.query, question);
        const difference = differenceOf(answer, expectedAnswer(oracle, question, known, answer));
        if (difference !== undefined)
          return `${JSON.stringify(question)} at the end: ${difference}`;
      }
    }
  }
  return undefined;
}

/** The whole log of every partition, also what was trimmed: the file still has it. */
function readLogs(machine: Machine, partitionCount: number): LogRecord[][] {
  machine.disk.mend();
  const logs: LogRecord[][] = Array.from({ length: partitionCount }, () => []);
  for (const chunk of machine.disk.file(fileNames.queue).chunks) {
    const entry = unsealed<LogEntry>(chunk)!;
    if (entry.kind !== "group") continue;
    for (const { partition, bytes, receivedAtMs } of entry.records)
      logs[partition]!.push({ ...decodeLogRecord(bytes), receivedAtMs });
  }
  return logs;
}

function knownFieldsOf({ dimensions, adAttributes }: SemanticSettings): KnownFields {
  return new Map([
    ["ad_id", "string"],
    ...dimensions.map(({ name, type }) => [name, type] as const),
    ...adAttributes.map((name) => [`ad.${name}`, "string"] as const),
  ]);
}
