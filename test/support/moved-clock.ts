/**
 * Preloaded into a process (`--import`): its wall clock, in every thread, is moved by as many ms as the file
 * CLOCK_FILE says at the time.
 */
import { readFileSync } from "node:fs";

const path = process.env["CLOCK_FILE"];
/** A read costs some microseconds, and the clock is looked at often. */
const readEveryMs = 2;
const now = Date.now;
let shiftMs = 0;
let readAtMs = -Infinity;

if (path !== undefined)
  Date.now = () => {
    if (performance.now() - readAtMs >= readEveryMs) {
      // Empty for the moment in which it is written.
      shiftMs = Number(readFileSync(path, "utf8") || shiftMs);
      readAtMs = performance.now();
    }
    return now() + shiftMs;
  };
