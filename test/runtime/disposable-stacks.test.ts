import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  OwnAsyncDisposableStack,
  OwnDisposableStack,
  OwnSuppressedError,
} from "../../src/runtime/disposable-stacks.ts";

/** Both must tell the same: what Node 24 brings is the judge. */
const syncKinds = { own: OwnDisposableStack, native: DisposableStack };
const asyncKinds = { own: OwnAsyncDisposableStack, native: AsyncDisposableStack };

/** Of an error what both kinds must have in common. */
function told(error: unknown): unknown {
  if (error instanceof OwnSuppressedError || error instanceof SuppressedError)
    return [error.name, told(error.error), told(error.suppressed)];
  return error instanceof TypeError || error instanceof ReferenceError ? error.name : error;
}

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return told(error);
  }
}

function syncStory(Stack: new () => DisposableStack): unknown[] {
  const story: unknown[] = [];
  const stack = new Stack();
  story.push(stack.use(null), stack.use(undefined), stack.disposed);
  stack.use({ [Symbol.dispose]: () => story.push("used") });
  story.push(stack.adopt(7, (value) => story.push(["adopted", value])));
  stack.defer(() => story.push("deferred"));
  story.push(attempt(() => stack.use({} as Disposable)));
  const moved = stack.move();
  story.push(
    stack.disposed,
    attempt(() => stack.move()),
    attempt(() => stack.defer(() => 0)),
  );
  story.push(attempt(() => stack.use(null)));
  stack.dispose();
  moved[Symbol.dispose]();
  moved.dispose();
  const failing = new Stack();
  for (const name of ["first", "second", "third"])
    failing.defer(() => {
      throw name;
    });
  story.push(attempt(() => failing.dispose()));
  return story;
}

async function asyncStory(Stack: new () => AsyncDisposableStack): Promise<unknown[]> {
  const story: unknown[] = [];
  const stack = new Stack();
  const later = async (what: unknown): Promise<void> => {
    await Promise.resolve();
    story.push(what);
  };
  story.push(stack.use(null), stack.use(undefined), stack.disposed);
  stack.use({ [Symbol.asyncDispose]: () => later("used") });
  stack.use({ [Symbol.dispose]: () => void story.push("used at once") });
  story.push(stack.adopt(7, (value) => later(["adopted", value])));
  stack.defer(() => later("deferred"));
  story.push(attempt(() => stack.use({} as AsyncDisposable)));
  const moved = stack.move();
  story.push(
    stack.disposed,
    attempt(() => stack.move()),
    attempt(() => stack.defer(() => undefined)),
  );
  await stack.disposeAsync();
  await moved[Symbol.asyncDispose]();
  await moved.disposeAsync();
  const failing = new Stack();
  for (const name of ["first", "second", "third"]) failing.defer(() => Promise.reject(name));
  story.push(await failing.disposeAsync().catch(told));
  return story;
}

describe("the stacks of disposables for an older Node", () => {
  it("do as those of a newer one, in what they dispose of and how they fail", async () => {
    const story = syncStory(syncKinds.own);
    assert.ok(story.length > 10);
    assert.deepEqual(story, syncStory(syncKinds.native));
    assert.deepEqual(await asyncStory(asyncKinds.own), await asyncStory(asyncKinds.native));
  });
});
