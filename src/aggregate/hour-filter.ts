/**
 * The older tier of dedup: a Bloom filter over the identity hashes of one event hour, two bytes an id. It may say
 * "perhaps" of an id that is not there (about 1 in 1,000), never "no" of one that is; a "perhaps" is
 * resolved in the raw store. Blocked (Putze, Sanders, Singler, 2007): all bits of an id lie in one cache line.
 */

const bitsAnId = 16;
const blockWords = 16;
const probes = 8;

export class HourFilter {
  private readonly words: Uint32Array;
  private readonly blockCount: number;

  /** Sized for this many ids; more can be added, at the price of more false hits. */
  constructor(idCount: number) {
    this.blockCount = Math.max(1, Math.floor((idCount * bitsAnId) / (blockWords * 32)));
    this.words = new Uint32Array(this.blockCount * blockWords);
  }

  get bytes(): number {
    return this.words.byteLength;
  }

  add(hash: Uint32Array, at: number): void {
    const block = this.blockOf(hash[at]!);
    let bits = hash[at + 2]!;
    const step = hash[at + 3]! | 1;
    for (let i = 0; i < probes; i++) {
      const bit = bits >>> 23;
      this.words[block + (bit >>> 5)]! |= 1 << (bit & 31);
      bits = (bits + step) >>> 0;
    }
  }

  mayHave(hash: Uint32Array, at: number): boolean {
    const block = this.blockOf(hash[at]!);
    let bits = hash[at + 2]!;
    const step = hash[at + 3]! | 1;
    for (let i = 0; i < probes; i++) {
      const bit = bits >>> 23;
      if ((this.words[block + (bit >>> 5)]! & (1 << (bit & 31))) === 0) return false;
      bits = (bits + step) >>> 0;
    }
    return true;
  }

  private blockOf(word: number): number {
    return Math.floor((word / 4_294_967_296) * this.blockCount) * blockWords;
  }
}
