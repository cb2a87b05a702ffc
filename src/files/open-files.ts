import { readFileSync } from "node:fs";

/** How many files and sockets this process may have open; Infinity where the system does not say. */
export function openFilesMax(): number {
  try {
    const [, max] = /^Max open files +(\d+|unlimited)/m.exec(
      readFileSync("/proc/self/limits", "utf8"),
    )!;
    return max === "unlimited" ? Infinity : Number(max);
  } catch {
    return Infinity;
  }
}
