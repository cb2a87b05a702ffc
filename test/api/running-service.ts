/** The whole service for API tests, in this process, on a directory and a port of its own. */

import assert from "node:assert/strict";
import type { SettingName } from "../../src/config/keys.ts";
import { loadSettings } from "../../src/config.ts";
import { startService } from "../../src/main.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export type Json = Readonly<Record<string, unknown>>;

export interface Answer {
  readonly status: number;
  readonly body: Json;
}

export const ndjson = "application/x-ndjson";

let ads = 0;
/** Of its own for every test. */
export function newAd(): string {
  return `ad-${++ads}`;
}

let events = 0;
export function click(fields: Json = {}): Json {
  return { ad_id: "any", click_timestamp: Date.now(), event_id: `event-${++events}`, ...fields };
}

export class RunningService implements AsyncDisposable {
  readonly url: string;
  private readonly resources: AsyncDisposable;

  private constructor(url: string, resources: AsyncDisposable) {
    this.url = url;
    this.resources = resources;
  }

  /** With limits so low that tests can exceed them: 100 KB a body, 1 MB decompressed, 1000 items. */
  static async start(
    flags: Readonly<Partial<Record<SettingName, string>>> = {},
  ): Promise<RunningService> {
    await using resources = new AsyncDisposableStack();
    const directory = resources.use(await temporaryDirectory());
    const settings = loadSettings({
      flags: {
        port: "0",
        data_dir: directory.path,
        "log.level": "silent",
        "limits.body_bytes": "100KB",
        "limits.decompressed_bytes": "1MB",
        "limits.items": "1000",
        ...flags,
      },
    });
    const service = resources.use(await startService(settings, { listen: true }));
    return new RunningService(service.url!, resources.move());
  }

  async get(path: string): Promise<Answer> {
    const response = await fetch(this.url + path);
    return { status: response.status, body: (await response.json()) as Json };
  }

  async send(
    method: string,
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const all = { "content-type": "application/json", ...headers };
    const response = await fetch(this.url + path, { method, body, headers: all });
    return { status: response.status, body: (await response.json()) as Json };
  }

  /** Sends one good click for a new ad and sees it counted. */
  async assertLives(): Promise<void> {
    const ad_id = newAd();
    const body = JSON.stringify(click({ ad_id }));
    const answer = await this.send("POST", "/v1/clicks?wait=counted", body);
    assert.deepEqual([answer.status, answer.body["counted"]], [200, 1]);
    const count = await this.get(`/v1/ads/${ad_id}/aggregated_count?window=5`);
    assert.equal(count.body["count"], 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.resources[Symbol.asyncDispose]();
  }
}
