/**
 * The steps of every protocol that a fault can strike at, and which fault can strike where. A campaign counts how
 * often each of these pairs happened; one that hardly ever does is a hole in the proof.
 */

const ingestSteps = ["append.begin", "append.write", "append.sync", "append.done"] as const;
const trimSteps = ["trim.begin", "trim.write", "trim.sync", "trim.done"] as const;
const commitSteps = ["commit.begin", "commit.write", "commit.sync", "commit.done"] as const;
const compactSteps = ["compact.begin", "compact.write", "compact.sync", "compact.done"] as const;
const checkpointSteps = [
  "checkpoint.begin",
  "checkpoint.write",
  "checkpoint.sync",
  "checkpoint.swap",
  "checkpoint.truncate",
  "checkpoint.done",
] as const;
const recoverySteps = ["recover.open", "recover.load", "recover.scan"] as const;
const configSteps = ["config.write", "config.sync", "config.swap"] as const;
const lookUpSteps = ["read", "probe", "buckets", "query", "recount"] as const;
/** In the log of the order of commits, and at the database that several processes write to. */
const orderSteps = ["order.begin", "order.append", "order.read"] as const;
const databaseSteps = ["insert", "load"] as const;

const processSteps = [
  ...ingestSteps,
  ...trimSteps,
  ...commitSteps,
  ...compactSteps,
  ...checkpointSteps,
  ...recoverySteps,
  ...configSteps,
  ...lookUpSteps,
] as const;

const sharedSteps = [
  "append.begin",
  "append.write",
  "append.done",
  "trim.begin",
  ...orderSteps,
  ...databaseSteps,
  ...lookUpSteps,
] as const;
/** Between client and service: no step of a process. */
const networkSteps = ["request", "response"] as const;

export type ProcessStep = (typeof processSteps | typeof sharedSteps)[number];
export type NetworkStep = (typeof networkSteps)[number];
export type Step = ProcessStep | NetworkStep;

const syncSteps = [
  "append.sync",
  "trim.sync",
  "commit.sync",
  "compact.sync",
  "checkpoint.sync",
  "config.sync",
] as const;
const writeSteps = [
  "append.write",
  "trim.write",
  "commit.write",
  "compact.write",
  "checkpoint.write",
  "config.write",
] as const;
const storeCalls = [
  "commit.begin",
  "compact.begin",
  "checkpoint.begin",
  "recover.load",
  "recover.scan",
  "probe",
  "buckets",
  "query",
  "recount",
] as const;

/** By fault, the steps it can strike at. */
export const stepsOfFault = {
  /** The process ends before the step, as by kill -9: what was written stays, synced or not. */
  kill: processSteps,
  /** The machine loses power before the step; of what was not synced nothing stays … */
  lost_write: [...syncSteps, "checkpoint.swap", "config.swap"],
  /** … or a part of each write does, … */
  torn_write: syncSteps,
  /** … or some writes do and others don't, whatever their order. */
  reordered_write: syncSteps,
  /** A byte that was synced is another one afterwards. */
  bit_flip: ["append.done", "commit.done", "checkpoint.done"],
  /** No room for some time; nothing of the write is there. */
  disk_full: writeSteps,
  /** The sync fails; whether what it was to make durable is so is unknown. */
  sync_error: syncSteps,
  /** The store does not answer for some time. */
  outage: storeCalls,
  /** The log can't be read for some time. */
  queue_outage: ["read"],
  /** The store takes its time. */
  slow: [...storeCalls, "append.sync", "trim.begin", "read", "recover.open"],
  /** Done, but who asked is told of an error. */
  lost_answer: ["trim.done", "commit.done", "compact.done", "checkpoint.done"],
  /** The store's log can't be replayed: it comes back as of its last checkpoint. */
  lost_log: ["recover.open"],
  /** The store was put back from a copy that is older than the log's beginning. */
  old_copy: ["recover.open"],
  /** The wall clock is set ahead or back. */
  clock_jump: ["append.begin"],
  lost_message: networkSteps,
  late_message: networkSteps,
  doubled_message: ["request"],
} as const satisfies Readonly<Record<string, readonly Step[]>>;

/** Where a server does what it is asked for. */
const serverSteps = ["append.write", "order.append", "insert"] as const;

/** The same, where several processes share a log and a database, which are servers of their own. */
export const sharedStepsOfFault = {
  kill: sharedSteps,
  /** The process stands still for some time, then goes on with what it was about to do. */
  freeze: sharedSteps,
  lost_answer: serverSteps,
  /** Who asks is told of an error, and it is done a while later. */
  late_effect: serverSteps,
  outage: ["insert", "load", "probe", "buckets", "query", "recount"],
  queue_outage: ["append.begin", "order.begin", "order.read", "read"],
  slow: [...serverSteps, "load", "order.read", "read", "probe", "query"],
  lost_message: networkSteps,
  late_message: networkSteps,
  doubled_message: ["request"],
} as const satisfies Readonly<Record<string, readonly Step[]>>;

export type Fault = keyof typeof stepsOfFault | keyof typeof sharedStepsOfFault;

/** A fault at a step. */
export interface Strike {
  readonly fault: Fault;
  readonly step: Step;
}

export const allStrikes = strikesOf(stepsOfFault);
export const sharedStrikes = strikesOf(sharedStepsOfFault);

function strikesOf(table: Readonly<Record<string, readonly Step[]>>): readonly Strike[] {
  return Object.entries(table).flatMap(([fault, steps]) =>
    steps.map((step) => ({ fault: fault as Fault, step })),
  );
}

export function strikeName({ fault, step }: Strike): string {
  return `${fault} at ${step}`;
}
