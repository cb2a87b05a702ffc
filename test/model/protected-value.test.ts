import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { describe, it } from "node:test";
import fc from "fast-check";
import { formatIp, parseIpInto } from "../../src/model/ip.ts";
import {
  hasFormOf,
  isProtectedForm,
  networkOf,
  ValueProtector,
} from "../../src/model/protected-value.ts";

const secret = new Uint8Array(32).fill(5);
const protector = new ValueProtector(secret);

/** As the grammar of the stored form has it, by node:crypto alone. */
function hashed(dimension: string, value: string): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "clicktally dimension values", 32));
  const digest = createHmac("sha256", key).update(`${dimension}\0${value}`).digest();
  return `h1.${digest.toString("base64url").slice(0, 22)}`;
}

function network(address: string): string {
  const words = new Uint32Array(4);
  assert.ok(parseIpInto(address, words, 0), address);
  return networkOf(words, 0);
}

describe("a protected value", () => {
  it("is an HMAC of the dimension and the value, whatever their lengths, and known by its form", () => {
    const names = fc.constantFrom("user_id", "ip", "a".repeat(63));
    const values = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string().map((text) => text.repeat(40)),
    );
    fc.assert(
      fc.property(names, values, (name, value) => {
        const made = protector.protect(name, value, "hashed");
        assert.equal(made, hashed(name, value));
        assert.ok(isProtectedForm(made) && hasFormOf(made, "hashed"));
        assert.ok(!hasFormOf(made, "truncated"));
      }),
    );
  });

  it("stays what it is: it is stored", () => {
    assert.equal(protector.protect("user_id", "u1", "hashed"), "h1.iKxBWnCedlywC_Hs0e9MZR");
  });

  it("is another one in another dimension and under another secret", () => {
    const other = new ValueProtector(new Uint8Array(32).fill(6));
    const made = [
      protector.protect("user_id", "u1", "hashed"),
      protector.protect("account", "u1", "hashed"),
      other.protect("user_id", "u1", "hashed"),
    ];
    assert.equal(new Set(made).size, 3);
  });

  it("is the network of an address, which only that form is taken for", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["203.0.113.7", "203.0.113.0/24"],
      ["::ffff:203.0.113.255", "203.0.113.0/24"],
      ["0.0.0.0", "0.0.0.0/24"],
      ["2001:db8:7:ffff::1", "2001:db8:7::/48"],
      ["::1", "::/48"],
      ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff::/48"],
    ];
    for (const [address, expected] of cases) {
      assert.equal(network(address), expected);
      assert.ok(isProtectedForm(expected) && hasFormOf(expected, "truncated"));
    }
    const others = ["203.0.113.7/24", "203.0.113.0/48", "203.0.113.0", "2001:DB8:7::/48", "h1."];
    for (const text of [...others, "x/24", "h1.9vKZ", `h1.${"B".repeat(23)}`])
      assert.ok(!isProtectedForm(text), text);
  });

  it("has in common with others of its network all that is kept", () => {
    const word = fc.integer({ min: 0, max: 0xffffffff });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word), fc.boolean(), (words, isV4) => {
        const own = isV4 ? Uint32Array.of(0, 0, 0xffff, words[3]) : Uint32Array.from(words);
        const made = networkOf(own, 0);
        assert.equal(network(made.split("/")[0]!), made);
        const neighbour = Uint32Array.from(own);
        neighbour[3] = isV4 ? (own[3]! ^ 0xff) >>> 0 : (own[3]! ^ 0xffffffff) >>> 0;
        assert.equal(networkOf(neighbour, 0), made, formatIp(neighbour, 0));
        const stranger = Uint32Array.from(own);
        const at = isV4 ? 3 : 1;
        stranger[at] = (own[at]! ^ (isV4 ? 0x100 : 0x10000)) >>> 0;
        assert.notEqual(networkOf(stranger, 0), made);
      }),
    );
  });
});
