/** The sender's own account of what it sent, kept apart from the service so that the two can be compared. */

import type { StreamClick } from "../../traffic/click-stream.ts";
import type { LedgerNumbers } from "../../query/query-service.ts";

/** Clicks of an ad in a minute of event time. */
export interface AdMinute {
  readonly ad_id: string;
  /** RFC 3339. */
  readonly start: string;
  readonly count: number;
}

export interface Comparison {
  /** Clicks in all requests that were answered. */
  readonly sent: number;
  readonly counted: number;
  readonly duplicates: number;
  /** Acknowledged clicks that no minute counts. */
  readonly lost: number;
  /** Clicks that minutes count beyond those that were acknowledged. */
  readonly twice: number;
  /** Clicks of requests that a kill left without an answer and that had been stored all the same. */
  readonly storedUnanswered: number;
  readonly differences: readonly string[];
}

export class OwnRecord {
  /** Clicks in answered requests, each as often as it was sent. */
  answeredClicks = 0;
  /** Clicks in requests that may have arrived but got no answer. */
  unansweredClicks = 0;
  rejectedClicks = 0;
  readonly adMinutes = new Map<string, number>();
  private readonly identities = new Set<string>();

  addAnswered(clicks: readonly StreamClick[], rejected: number): void {
    this.answeredClicks += clicks.length;
    this.rejectedClicks += rejected;
    for (const { ad_id, event_id, click_timestamp } of clicks) {
      if (this.identities.has(event_id)) continue;
      this.identities.add(event_id);
      const key = `${ad_id} ${click_timestamp.slice(0, 16)}`;
      this.adMinutes.set(key, (this.adMinutes.get(key) ?? 0) + 1);
    }
  }

  /** Different clicks that were acknowledged. */
  get distinctClicks(): number {
    return this.identities.size;
  }

  compare(service: readonly AdMinute[], ledger: LedgerNumbers, balanced: boolean): Comparison {
    const differences: string[] = [];
    let lost = 0;
    let twice = 0;
    const expected = new Map(this.adMinutes);
    for (const { ad_id, start, count } of service) {
      const key = `${ad_id} ${start.slice(0, 16)}`;
      const own = expected.get(key) ?? 0;
      expected.delete(key);
      if (count > own) twice += count - own;
      if (count < own) lost += own - count;
      if (count !== own) differences.push(`${key}: sent ${own}, counted ${count}`);
    }
    for (const [key, own] of expected) {
      lost += own;
      differences.push(`${key}: sent ${own}, counted none`);
    }
    const counted = ledger.counted + ledger.restated;
    if (counted !== this.distinctClicks) {
      differences.push(
        `${this.distinctClicks} different clicks were acknowledged, the ledger counts ${counted}`,
      );
    }
    const storedUnanswered = ledger.received - this.answeredClicks;
    if (storedUnanswered < 0 || storedUnanswered > this.unansweredClicks) {
      differences.push(
        `${this.answeredClicks} clicks were acknowledged and ${this.unansweredClicks} sent without an answer, ` +
          `the ledger received ${ledger.received}`,
      );
    }
    if (this.rejectedClicks > 0)
      differences.push(`${this.rejectedClicks} good clicks were rejected`);
    const others = ledger.received - counted - ledger.duplicate;
    if (others !== 0) differences.push(`${others} clicks were neither counted nor duplicates`);
    if (!balanced) differences.push("the ledger does not balance");
    return {
      sent: this.answeredClicks,
      counted,
      duplicates: ledger.duplicate,
      lost,
      twice,
      storedUnanswered,
      differences,
    };
  }
}
