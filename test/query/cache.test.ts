import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { AnswerCache } from "../../src/query/cache.ts";

interface Answer {
  readonly as_of: number;
  readonly text: string;
}

describe("the answer cache", () => {
  /** Computes `text` as of a commit, counting how often it has to. */
  class Query {
    computed = 0;
    private readonly cache: AnswerCache;

    constructor(cache: AnswerCache) {
      this.cache = cache;
    }

    ask(key: string, answer: Promise<Answer>, bytes = 100): Promise<Answer> {
      return this.cache.answer(
        key,
        () => {
          this.computed++;
          return answer;
        },
        () => bytes,
      );
    }
  }

  const answerOf = (asOf: number, text = "x"): Promise<Answer> =>
    Promise.resolve({ as_of: asOf, text });

  it("answers an equal query again until a commit comes", async () => {
    const cache = new AnswerCache(1);
    const query = new Query(cache);
    await query.ask("q", answerOf(1));
    assert.equal((await query.ask("q", answerOf(1, "other"))).text, "x");
    assert.equal(query.computed, 1);
    cache.advance(2);
    assert.equal((await query.ask("q", answerOf(2, "new"))).text, "new");
    assert.equal(cache.bytes > 0, true);
  });

  it("computes equal queries in flight once", async () => {
    const query = new Query(new AnswerCache(1));
    const started = Promise.withResolvers<Answer>();
    const both = [query.ask("q", started.promise), query.ask("q", answerOf(1, "second"))];
    started.resolve({ as_of: 1, text: "first" });
    assert.deepEqual(
      (await Promise.all(both)).map(({ text }) => text),
      ["first", "first"],
    );
    assert.equal(query.computed, 1);
  });

  it("does not let a query share an answer that was begun before a commit", async () => {
    const cache = new AnswerCache(1);
    const query = new Query(cache);
    const begunBefore = Promise.withResolvers<Answer>();
    const before = query.ask("q", begunBefore.promise);
    cache.advance(2);
    assert.equal((await query.ask("q", answerOf(2, "after"))).text, "after");
    begunBefore.resolve({ as_of: 1, text: "before" });
    assert.equal((await before).text, "before");
    assert.equal((await query.ask("q", answerOf(2, "again"))).text, "after");
  });

  it("does not keep an answer as of another commit than the current one", async () => {
    const query = new Query(new AnswerCache(1));
    await query.ask("q", answerOf(2));
    await query.ask("q", answerOf(1));
    assert.equal(query.computed, 2);
  });

  it("does not keep a failure", async () => {
    const query = new Query(new AnswerCache(1));
    await assert.rejects(query.ask("q", Promise.reject(new Error("lost"))), /lost/);
    assert.equal((await query.ask("q", answerOf(1))).text, "x");
  });

  it("stays within its bounds and lets the least recently used go", async () => {
    const cache = new AnswerCache(1, { entriesMax: 3, bytesMax: 1000 });
    const query = new Query(cache);
    for (const key of ["a", "b", "c"]) await query.ask(key, answerOf(1));
    await query.ask("a", answerOf(1));
    await query.ask("d", answerOf(1));
    assert.equal(query.computed, 4);
    await query.ask("a", answerOf(1));
    assert.equal(query.computed, 4);
    await query.ask("b", answerOf(1));
    assert.equal(query.computed, 5);
    for (let i = 0; i < 50; i++) await query.ask(`big ${i}`, answerOf(1), 240);
    assert.ok(cache.bytes <= 1000);
    await query.ask("too big", answerOf(1), 600);
    const { computed } = query;
    await query.ask("too big", answerOf(1), 600);
    assert.equal(query.computed, computed + 1);
  });
});
