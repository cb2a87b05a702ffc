import { CodedError } from "../../model/errors.ts";

/**
 * One write to a simulated file. Its value stands for the bytes with their checksum: whoever reads it finds it whole,
 * or finds that it is torn or damaged. (That the real adapters notice so is for their own tests, byte by byte.)
 * A value must not be changed once it is written.
 */
export interface Chunk {
  readonly value: unknown;
  readonly isWhole: boolean;
  /** What it was before bytes flipped, which an operator may put back. */
  readonly undamaged?: Chunk;
}

export function sealed(value: unknown): Chunk {
  return { value, isWhole: true };
}

/** Undefined where it is torn or damaged. */
export function unsealed<T>({ value, isWhole }: Chunk): T | undefined {
  return isWhole ? (value as T) : undefined;
}

/** Throws `data_corrupt` where a write is damaged: what is copied is checked on the way. */
export function wholeCopy(chunks: readonly Chunk[]): readonly Chunk[] {
  if (chunks.every((chunk) => unsealed(chunk) !== undefined)) return [...chunks];
  throw new CodedError("data_corrupt", "what is copied is damaged");
}
