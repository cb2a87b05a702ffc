/** Runs one history to its end and judges what came of it. */

import { CodedError } from "../model/errors.ts";
import type { Control } from "../model/log-record.ts";
import { ChangesConsumer } from "./changes-consumer.ts";
import { Clients } from "./client.ts";
import type { Action, History, Question, SemanticSettings } from "./history.ts";
import type { Backup } from "./backups.ts";
import { copyOf, judgeBackups } from "./backups.ts";
import { judge } from "./judge/judge.ts";
import type { RecordedAnswer } from "./judge/judge-answers.ts";
import { ask } from "./judge/questions.ts";
import type { ServiceUnderTest } from "./service-under-test.ts";
import { Fleet } from "./shared/fleet.ts";
import { Supervisor } from "./supervisor.ts";
import { DeviceError } from "./world/process.ts";
import { Machine } from "./world/machine.ts";
import { stackOf } from "./world/stack-of.ts";

export interface RunOptions {
  readonly keepsTrace?: boolean;
}

export interface RunResult {
  /** Undefined where everything is as the oracle says. */
  readonly failure: string | undefined;
  readonly traceHash: string;
  readonly trace: readonly string[] | undefined;
  /** By strike, how often it happened. */
  readonly strikes: ReadonlyMap<string, number>;
  readonly clickCount: number;
  readonly starts: number;
}

/** All that was sent must be answered this long after the last action, in simulated time. */
const patienceMs = 6 * 3_600_000;
/** Of several processes, which look for news all the time: hours of it would take minutes. */
const sharedPatienceMs = 30 * 60_000;
/** Who asks waits so long. */
const deadlineMs = 120_000;

export async function runHistory(history: History, options: RunOptions = {}): Promise<RunResult> {
  const { settings, seed, actions, faults } = history;
  const { keepsTrace = false } = options;
  const { startMs, processStartsMs, semantic } = settings;
  const isShared = processStartsMs !== undefined;
  const machine = new Machine({ seed, startMs, faults, keepsTrace, isShared });
  const host = isShared
    ? new Fleet(machine, settings, processStartsMs)
    : new Supervisor(machine, settings);
  const clients = new Clients(machine, semantic.dimensions, () => host.service);
  const consumer = new ChangesConsumer(machine, () => host.steadyService?.engine.query);
  const run = new HistoryRun(machine, host, clients, consumer);
  const failure = await run.play(actions);
  const verdict =
    failure ??
    (await judge({
      history,
      machine,
      service: host.service!,
      acks: clients.acks,
      recorded: run.recorded,
      consumer,
    })) ??
    (await judgeBackups(history, run.backups));
  return {
    failure: verdict,
    traceHash: machine.trace.hash(),
    trace: machine.trace.lines,
    strikes: machine.faults.strikes,
    clickCount: clicksOf(actions),
    starts: host.starts,
  };
}

class HistoryRun {
  readonly recorded: RecordedAnswer[] = [];
  readonly backups: Backup[] = [];
  private readonly machine: Machine;
  private readonly host: Supervisor | Fleet;
  private readonly clients: Clients;
  private readonly consumer: ChangesConsumer;
  private bug: string | undefined;
  private underWay = 0;

  constructor(
    machine: Machine,
    host: Supervisor | Fleet,
    clients: Clients,
    consumer: ChangesConsumer,
  ) {
    this.machine = machine;
    this.host = host;
    this.clients = clients;
    this.consumer = consumer;
  }

  /** Until everything is answered and committed; resolves with what must not have happened. */
  async play(actions: readonly Action[]): Promise<string | undefined> {
    const { machine, host, clients, consumer } = this;
    const { time } = machine;
    for (const action of actions) time.after(action.atMs, () => this.begin(action));
    host.start();
    consumer.start();
    const lastMs = actions.at(-1)?.atMs ?? 0;
    await time.runUntil(() => this.isBroken || time.nowMs >= lastMs, lastMs);
    machine.heal();
    const isAnswered = (): boolean => clients.pending === 0 && this.underWay === 0;
    if (!(await this.wait(() => isAnswered() && host.service !== undefined)))
      return this.broken ?? `hangs: ${clients.pending} bodies unanswered`;
    consumer.stop();
    if (!(await this.comeToRest()))
      return this.broken ?? "hangs: what was appended is not committed";
    return this.broken;
  }

  /** All is committed, and nothing more is appended; by the next service where one meets earlier damage only now. */
  private async comeToRest(): Promise<boolean> {
    const { host, machine } = this;
    host.rest();
    for (;;) {
      if (!(await this.wait(() => host.service !== undefined))) return false;
      const service = host.service!;
      let isStill = false;
      // Ticks would move the watermark on while it is judged.
      void service.stopTaking().then(() => (isStill = true));
      const isGone = (): boolean => host.service !== service;
      if (!(await this.wait(() => isGone() || (isStill && machine.isStill && service.isCaughtUp))))
        return false;
      if (!isGone()) return true;
    }
  }

  private get broken(): string | undefined {
    const { host, clients, consumer } = this;
    return host.failure ?? this.bug ?? consumer.bug ?? clients.refusals[0];
  }

  private get isBroken(): boolean {
    return this.broken !== undefined;
  }

  /** False where it is broken, or the patience over, before. */
  private async wait(isDone: () => boolean): Promise<boolean> {
    const { time } = this.machine;
    const waitMs = this.host instanceof Fleet ? sharedPatienceMs : patienceMs;
    await time.runUntil(() => this.isBroken || isDone(), time.nowMs + waitMs);
    return !this.isBroken && isDone();
  }

  private begin(action: Action): void {
    switch (action.kind) {
      case "send":
        this.watch(this.clients.send(action.batch));
        break;
      case "control":
        this.watch(this.append(action.control));
        break;
      case "restart":
        this.watch(this.restart(action.semantic));
        break;
      case "backup":
        this.watch(this.backUp());
        break;
      case "ask":
        this.watch(this.ask(action.question));
        break;
    }
  }

  private restart(semantic: SemanticSettings): Promise<void> {
    const { host } = this;
    return host instanceof Fleet ? host.restartOne() : host.restartWith(semantic);
  }

  private async append(control: Control): Promise<void> {
    const { service } = this.host;
    if (!service) return;
    const appended = service.ingest.appendControl(control);
    await this.unlessDead(appended.catch(expectRefusal));
  }

  private async backUp(): Promise<void> {
    const { host } = this;
    if (host instanceof Fleet || !host.service) return;
    const { service, semantic } = host;
    const acks = [...this.clients.acks];
    const copied = await this.unlessDead(copyOf(service).catch(expectRefusal));
    if (!copied) return;
    this.backups.push({ ...copied, acks, semantic });
    this.machine.note("backed up");
  }

  private async ask(question: Question): Promise<void> {
    const { service } = this.host;
    if (!service) return;
    const asked = this.commitToAsk(service, question);
    const before = service.store.progress;
    const answered = await this.unlessDead(
      ask(service.engine.query, question, asked).catch(expectRefusal),
    );
    if (!answered) return;
    const { asOf, answer } = answered;
    const progress = service.store.progressAt(asOf);
    if (!progress) throw new Error(`an answer as of commit ${asOf}, which the store has not seen`);
    const isPast = asked !== undefined && asked === asOf;
    const knowing = [before, service.store.progress];
    this.recorded.push({ question, asOf, answer, progress, ...(isPast && { knowing }) });
    this.machine.note(`answered ${question.kind} as of ${asOf}`);
  }

  private commitToAsk({ store }: ServiceUnderTest, { asOfShare }: Question): number | undefined {
    if (asOfShare === undefined || store.sequence === 0) return undefined;
    return Math.max(1, Math.ceil(asOfShare * store.sequence));
  }

  /** Who asks a process that dies is not told of it. */
  private unlessDead<T>(work: Promise<T>): Promise<T | undefined> {
    const { time } = this.machine;
    const over = new Promise<undefined>((resolve) =>
      time.after(deadlineMs, () => resolve(undefined)),
    );
    return Promise.race([work, over]);
  }

  /** An error that nobody expects is a bug. */
  private watch(work: Promise<void>): void {
    this.underWay++;
    const end = (): void => {
      this.underWay--;
    };
    work.then(end, (error: unknown) => {
      end();
      this.bug ??= stackOf(error);
    });
  }
}

/** Of a store that is away or a queue that takes nothing. */
function expectRefusal(error: unknown): undefined {
  if (error instanceof CodedError || error instanceof DeviceError) return undefined;
  throw error;
}

function clicksOf(actions: readonly Action[]): number {
  return actions.reduce(
    (sum, action) => sum + (action.kind === "send" ? action.batch.items.length : 0),
    0,
  );
}
