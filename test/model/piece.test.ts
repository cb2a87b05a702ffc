import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EventIdKind, formatEventId } from "../../src/model/click-batch.ts";
import { parseEventId } from "../../src/model/parse-event-id.ts";
import { pieceOfKept, pieceOfText, pieceOfWords } from "../../src/model/piece.ts";
import { Random } from "../../src/traffic/random.ts";

const pieceOf = (text: string, spread: number): number => {
  const bytes = Buffer.from(`<${text}>`);
  return pieceOfText(bytes, 1, bytes.length - 1, spread);
};

describe("the piece of an ad that a click belongs to", () => {
  it("never changes: queues are divided by it", () => {
    const ids = [
      "click-1",
      "click-2",
      "größe",
      "00000000-0000-4000-8000-000000000001",
      "derived:00112233445566778899aabbccddeeff",
      "derived:00112233445566778899aabbccddeefF",
    ];
    assert.deepEqual(
      ids.map((id) => pieceOf(id, 64)),
      [17, 62, 60, 44, 12, 54],
    );
  });

  it("is the same for every way in which an event id is kept", () => {
    const random = new Random(7);
    for (let run = 0; run < 500; run++) {
      const spread = random.between(2, 64);
      const words = Uint32Array.from({ length: 6 }, () => random.below(2 ** 32));
      for (const kind of [EventIdKind.uuid, EventIdKind.derived]) {
        const shown = formatEventId(kind, words, 1, undefined);
        const piece = pieceOfWords(words, 1, spread);
        assert.equal(pieceOf(shown, spread), piece);
        for (const form of parseEventId(shown))
          assert.equal(pieceOfKept(form.kind, form.words, 0, shown, spread), piece, shown);
      }
      const text = `${"derived:".slice(0, random.below(9))}${random.below(1e9)}`;
      const none = new Uint32Array(4);
      assert.equal(pieceOfKept(EventIdKind.text, none, 0, text, spread), pieceOf(text, spread));
    }
  });

  it("is any of them equally often", () => {
    const counts = { text: [0, 0, 0, 0, 0, 0, 0, 0], uuid: [0, 0, 0, 0, 0, 0, 0, 0] };
    for (let i = 0; i < 80_000; i++) {
      counts.text[pieceOf(`click-${i}`, 8)]!++;
      counts.uuid[pieceOfWords(Uint32Array.of(0, 0x4000, 0x80000000, i), 0, 8)]!++;
    }
    for (const count of [...counts.text, ...counts.uuid])
      assert.ok(Math.abs(count - 10_000) < 500, JSON.stringify(counts));
  });
});
