import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnRecord } from "../../src/commands/demo/own-record.ts";
import type { AdMinute } from "../../src/commands/demo/own-record.ts";
import type { LedgerNumbers } from "../../src/query/query-service.ts";
import type { StreamClick } from "../../src/traffic/click-stream.ts";

function click(ad_id: string, event_id: string, second = 0): StreamClick {
  const click_timestamp = new Date(Date.UTC(2026, 0, 15, 12, 0, second)).toISOString();
  return {
    ad_id,
    event_id,
    click_timestamp,
    country: "US",
    device: "mobile",
    user_id: "u",
    ip: "10.0.0.1",
  };
}

const minute = (ad_id: string, count: number): AdMinute => ({
  ad_id,
  start: "2026-01-15T12:00:00Z",
  count,
});

function ledger(counted: number, duplicate: number): LedgerNumbers {
  const received = counted + duplicate;
  return {
    received,
    counted,
    duplicate,
    restated: 0,
    quarantined: 0,
    expired: 0,
    invalid: 0,
    voided: 0,
  };
}

function recorded(): OwnRecord {
  const record = new OwnRecord();
  record.addAnswered([click("a", "1"), click("a", "2"), click("b", "3"), click("a", "1")], 0);
  record.addAnswered([click("a", "2")], 0);
  return record;
}

void test("a service that counts each click once agrees with the sender", () => {
  const account = recorded().compare([minute("a", 2), minute("b", 1)], ledger(3, 2), true);
  assert.deepEqual(account, {
    sent: 5,
    counted: 3,
    duplicates: 2,
    lost: 0,
    twice: 0,
    storedUnanswered: 0,
    differences: [],
  });
});

void test("lost clicks and clicks that count twice are told apart, also where they cancel out", () => {
  const account = recorded().compare([minute("a", 3)], ledger(3, 2), true);
  assert.deepEqual([account.lost, account.twice], [1, 1]);
  assert.equal(account.differences.length, 2);
});

void test("a ledger that counts otherwise, received too much or does not balance is a difference", () => {
  const service = [minute("a", 2), minute("b", 1)];
  assert.match(
    recorded().compare(service, ledger(2, 3), true).differences.join(),
    /the ledger counts 2/,
  );
  assert.match(
    recorded().compare(service, ledger(3, 3), true).differences.join(),
    /the ledger received 6/,
  );
  assert.match(
    recorded().compare(service, ledger(3, 2), false).differences.join(),
    /does not balance/,
  );
});

void test("clicks of an unanswered request may have been stored, but no more than were sent", () => {
  const record = recorded();
  record.unansweredClicks = 1;
  const service = [minute("a", 2), minute("b", 1)];
  const account = record.compare(service, ledger(3, 3), true);
  assert.deepEqual([account.storedUnanswered, account.differences], [1, []]);
  assert.equal(record.compare(service, ledger(3, 4), true).differences.length, 1);
});
