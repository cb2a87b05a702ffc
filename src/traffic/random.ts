/** Seeded pseudo-random numbers (sfc32 by Chris Doty-Humphrey): the same seed gives the same sequence everywhere. */
export class Random {
  private a = 0;
  private b = 0x9e3779b9;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    this.c = (seed / 4_294_967_296) | 0;
    for (let i = 0; i < 12; i++) this.word();
  }

  /** 32 bits as an unsigned number. */
  word(): number {
    const result = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + result) | 0;
    return result >>> 0;
  }

  /** `[0, 1)` */
  unit(): number {
    return this.word() / 4_294_967_296;
  }

  /** A whole number of `[0, end)`. */
  below(end: number): number {
    return Math.floor(this.unit() * end);
  }

  /** A whole number of `[from, to]`. */
  between(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)]!;
  }

  shuffle<T>(values: T[]): T[] {
    for (let i = values.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      const value = values[i]!;
      values[i] = values[j]!;
      values[j] = value;
    }
    return values;
  }

  /** A UUID of version 4, lower-case. */
  uuid(): string {
    const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0");
    const b = hex((this.word() & 0xffff0fff) | 0x4000);
    const c = hex((this.word() & 0x3fffffff) | 0x80000000);
    return `${hex(this.word())}-${b.slice(0, 4)}-${b.slice(4)}-${c.slice(0, 4)}-${c.slice(4)}${hex(this.word())}`;
  }
}
