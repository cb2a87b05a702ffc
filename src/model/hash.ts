/** Hashes by which a log is divided: part of the stored format. */

/** FNV-1a of `source[start .. end)`, mixed: its low bits alone are weak (lowest bit: parity of the bytes). 32 bits, unsigned. */
export function hashOfRange(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ source[i]!, 0x01000193);
  return mixed(hash) >>> 0;
}

/** murmur3's finalizer. */
export function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
