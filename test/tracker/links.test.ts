import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { CodedError } from "../../src/model/errors.ts";
import type { ReadLink } from "../../src/tracker/read-link.ts";
import { LinkReader } from "../../src/tracker/read-link.ts";
import { keyIdOf, signatureOf } from "../../src/tracker/signature.ts";
import type { LinkContent } from "../../src/tracker/write-link.ts";
import { writeLink } from "../../src/tracker/write-link.ts";

const secret = "a secret of tests, long enough to be one";
const otherSecret = "another secret of tests, and as long as that";
const base = "https://click.example";
const nowMs = 1_800_000_000_000;
const hourMs = 3_600_000;

interface Parts {
  readonly adId: string;
  readonly pairs: readonly (readonly [string, string])[];
}

/** What the service finds in a link's path and query. */
function partsOf(link: string): Parts {
  const url = new URL(link);
  return {
    adId: decodeURIComponent(url.pathname.slice("/c/".length)).replace(
      url.searchParams.has("to") ? "" : /\.gif$/,
      "",
    ),
    pairs: [...url.searchParams],
  };
}

function read({ adId, pairs }: Parts, secrets = [secret], atMs = nowMs): ReadLink {
  return new LinkReader({ secrets, onceMsMax: 6 * hourMs }).read(adId, pairs, atMs);
}

function codeOf(parts: Parts, secrets = [secret], atMs = nowMs): string | undefined {
  try {
    read(parts, secrets, atMs);
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return undefined;
}

const ownNames = new Set(["to", "id", "exp", "kid", "sig"]);
const clickNames = new Set(["ad_id", "click_timestamp", "event_id"]);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const fieldName = fc
  .oneof(text, fc.constantFrom("user_id", "country", "a=b", "a&b", "__proto__"))
  .filter((name) => !ownNames.has(name) && !clickNames.has(name));
const content: fc.Arbitrary<LinkContent> = fc
  .record({
    adId: text,
    to: fc.option(fc.webUrl({ withQueryParameters: true })),
    fields: fc.uniqueArray(fc.tuple(fieldName, text), {
      maxLength: 4,
      selector: ([name]) => name,
    }),
    expires: fc.boolean(),
    eventId: fc.option(text),
  })
  .map(({ adId, to, fields, expires, eventId }): LinkContent => {
    const expiresAtMs = expires || eventId !== null ? nowMs + hourMs : undefined;
    return defined({
      adId,
      fields: Object.fromEntries(fields),
      to: to ?? undefined,
      eventId: eventId ?? undefined,
      expiresAtMs,
    });
  });

function defined(made: {
  [Name in keyof LinkContent]: LinkContent[Name] | undefined;
}): LinkContent {
  const given = Object.entries(made).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as LinkContent;
}

/** Links that say something else than the one that was signed, or say it otherwise signed. */
const change: fc.Arbitrary<(parts: Parts) => Parts> = fc.oneof(
  fc.tuple(fc.nat(), text).map(
    ([at, value]) =>
      (parts: Parts): Parts =>
        changedPair(parts, at, ([name, before]) => [name, value === before ? `${value}x` : value]),
  ),
  fc.tuple(fc.nat(), text).map(
    ([at, added]) =>
      (parts: Parts): Parts =>
        changedPair(parts, at, ([name, value]) => [`${name}${added}`, value]),
  ),
  fc.nat().map((at) => (parts: Parts): Parts => ({
    ...parts,
    pairs: parts.pairs.filter((_, i) => i !== at % parts.pairs.length),
  })),
  fc.tuple(text, text).map(([name, value]) => (parts: Parts): Parts => ({
    ...parts,
    pairs: [...parts.pairs, [name, value]],
  })),
  // What ends one part may not begin the next.
  fc.nat().map(
    (at) =>
      (parts: Parts): Parts =>
        changedPair(parts, at, ([name, value]) => [`${name}=${value}`, ""]),
  ),
  text.map((adId) => (parts: Parts): Parts => ({
    ...parts,
    adId: adId === parts.adId ? `${adId}x` : adId,
  })),
  // The last character of a signature has bits that say nothing.
  fc.nat({ max: 63 }).map((value) => (parts: Parts): Parts => {
    const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const at = parts.pairs.findIndex(([name]) => name === "sig");
    return changedPair(parts, at, ([name, before]) => {
      const last = before.endsWith(digits[value]!) ? digits[(value + 1) % 64]! : digits[value]!;
      return [name, before.slice(0, -1) + last];
    });
  }),
);

function changedPair(
  parts: Parts,
  at: number,
  to: (pair: readonly [string, string]) => readonly [string, string],
): Parts {
  const index = at % parts.pairs.length;
  return { ...parts, pairs: parts.pairs.map((pair, i) => (i === index ? to(pair) : pair)) };
}

describe("a tracked link", () => {
  it("says what it was made to say", () => {
    fc.assert(
      fc.property(content, (made) => {
        const link = read(partsOf(writeLink(made, base, secret)));
        assert.equal(link.adId, made.adId);
        assert.equal(link.to, made.to === undefined ? undefined : new URL(made.to).href);
        assert.equal(link.eventId, made.eventId);
        assert.deepEqual({ ...link.fields }, { ...made.fields });
      }),
    );
  });

  it("is refused where anything of it is changed", () => {
    fc.assert(
      fc.property(content, change, (made, changed) => {
        const code = codeOf(changed(partsOf(writeLink(made, base, secret))));
        assert.equal(code, "link_invalid");
      }),
      { numRuns: 2_000 },
    );
  });

  it("says the same in any order, and on any host", () => {
    const link = writeLink(
      { adId: "a", to: "https://x.example/", fields: { b: "c" } },
      base,
      secret,
    );
    const { adId, pairs } = partsOf(link.replace("click.example", "other.example"));
    assert.deepEqual(read({ adId, pairs: pairs.toReversed() }), read(partsOf(link)));
  });

  it("is verified by every secret, and by none that is gone", () => {
    const link = partsOf(writeLink({ adId: "a", fields: {} }, base, otherSecret));
    assert.equal(codeOf(link, [secret, otherSecret]), undefined);
    assert.equal(codeOf(link, [secret]), "link_invalid");
    const renamed = link.pairs.map(([name, value]) =>
      name === "kid" ? ([name, keyIdOf(secret)] as const) : ([name, value] as const),
    );
    assert.equal(codeOf({ ...link, pairs: renamed }, [secret, otherSecret]), "link_invalid");
  });

  it("expires, and one that is forged does not say so", () => {
    const made = { adId: "a", fields: {}, expiresAtMs: nowMs + hourMs };
    const link = partsOf(writeLink(made, base, secret));
    assert.equal(codeOf(link, [secret], nowMs + hourMs - 1), undefined);
    assert.equal(codeOf(link, [secret], nowMs + hourMs), "link_expired");
    assert.equal(codeOf(link, [otherSecret], nowMs + hourMs), "link_invalid");
  });

  it("with an id of its own lives no longer than ids are recognised", () => {
    const made = { adId: "a", fields: {}, eventId: "once" };
    assert.equal(codeOf(partsOf(writeLink(made, base, secret))), "link_invalid");
    const long = { ...made, expiresAtMs: nowMs + 7 * hourMs };
    assert.equal(codeOf(partsOf(writeLink(long, base, secret))), "link_invalid");
    const fit = { ...made, expiresAtMs: nowMs + 6 * hourMs };
    assert.equal(codeOf(partsOf(writeLink(fit, base, secret))), undefined);
  });

  it("leads nowhere but over http, whoever signed it", () => {
    const targets = ["javascript:alert(1)", "//evil.example", "ftp://x.example", "", "https://"];
    for (const to of [...targets, `https://x.example/${"x".repeat(9_000)}`]) {
      const link = partsOf(writeLink({ adId: "a", to, fields: {} }, base, secret));
      assert.equal(codeOf(link), "invalid_parameter", to);
    }
  });

  it("can't set what is the tracker's to say", () => {
    for (const name of clickNames) {
      const link = partsOf(writeLink({ adId: "a", fields: { [name]: "x" } }, base, secret));
      assert.equal(codeOf(link), "link_invalid", name);
    }
  });

  it("is signed in a form that others can make: this one is of Python's hmac", () => {
    const parameters = new Map([
      ["to", "https://shop.example/?q=a b"],
      ["user_id", "Zoë (1)"],
      ["kid", "e3ca5af9"],
    ]);
    assert.equal(
      signatureOf("0123456789abcdef0123456789abcdef", "ad 1/x", parameters),
      "NB11xaL2wg_MwQz-_Hgo9TeeK-Dt7weGHYB7S3_YAxk",
    );
  });
});
