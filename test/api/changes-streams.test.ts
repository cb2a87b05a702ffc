import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as timeout } from "node:timers/promises";
import { ChangesStreams } from "../../src/api/changes-streams.ts";
import { changesAsEvents, changesAsLines } from "../../src/api/changes-text.ts";
import type { ChangesForm } from "../../src/api/changes-text.ts";
import type { ChangesPage, ChangesRequest } from "../../src/query/changes-page.ts";
import { eventually } from "../support/eventually.ts";
import { startHttpSide } from "./harness.ts";

/** Nothing ever comes. */
const silent = {
  async changes({ place, waitMs }: ChangesRequest): Promise<ChangesPage> {
    if (!place) return { rows: [], mark: { as_of: 7, since: "7-a" }, place: { since: 7 } };
    await timeout(waitMs);
    return { rows: [], place };
  },
};

function options(form: ChangesForm, heartbeatMs = 60_000) {
  return { query: silent, request: {}, form, follow: true, heartbeatMs };
}

describe("streams of changes", () => {
  for (const [form, expected] of [
    [changesAsLines, /^(?:\{"as_of":7,"since":"7-a"\}\n){3,}$/],
    [changesAsEvents, /^id: 7-a\nevent: mark\ndata: \S+\n\n:\n\n:\n\n/],
  ] as const) {
    it(`show that they live where nothing comes, as ${form.contentType}`, async () => {
      const stream = await new ChangesStreams().start(options(form, 2));
      let text = "";
      for await (const chunk of stream) {
        text += String(chunk);
        if (expected.test(text)) break;
      }
      assert.match(text, expected);
    });
  }

  it("are so many at most, and leave their places when they end, however they do", async () => {
    const streams = new ChangesStreams(2);
    const first = await streams.start(options(changesAsLines));
    const second = await streams.start(options(changesAsLines));
    await assert.rejects(streams.start(options(changesAsLines)), { code: "overloaded" });
    first.destroy();
    await once(first, "close");
    const third = await streams.start(options(changesAsLines));
    await assert.rejects(streams.start(options(changesAsLines)), { code: "overloaded" });
    streams.close();
    for (const stream of [second, third]) {
      stream.resume();
      await once(stream, "end");
    }
    const failing = {
      ...options(changesAsLines),
      query: { changes: () => Promise.reject(new Error("away")) },
    };
    const again = new ChangesStreams(1);
    await assert.rejects(again.start(failing), /away/);
    (await again.start(options(changesAsLines))).destroy();
  });

  it("ask for no more than a consumer takes, and go on when it does", async () => {
    const rows = Array.from({ length: 1000 }, () => ({ minute: "x".repeat(100) }));
    let asked = 0;
    await using side = await startHttpSide(
      {},
      {
        query: {
          async changes() {
            asked++;
            return { rows, mark: { as_of: asked, since: `${asked}-a` }, place: { since: asked } };
          },
        },
      },
    );
    const comesToRest = async (): Promise<void> => {
      let [before, still] = [0, 0];
      await eventually("nothing more is asked for", () => {
        still = asked > 0 && asked === before ? still + 1 : 0;
        before = asked;
        return still > 10 ? true : undefined;
      });
    };
    const { hostname, port } = new URL(side.url);
    const socket = connect(Number(port), hostname);
    socket.write("GET /v1/changes HTTP/1.1\r\nHost: x\r\n\r\n");
    // Until the buffers of both sides of the connection are full.
    await comesToRest();
    const before = asked;
    assert.ok(asked < 200, `${asked} pages of 100 KB`);
    socket.resume();
    await eventually("it goes on", () => (asked > 2 * before ? true : undefined));
    socket.destroy();
    // Who is gone is asked for nothing more.
    await comesToRest();
  });
});
