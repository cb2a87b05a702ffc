/** Preloaded into a process (`--import`): its wall clock, in every thread, is ahead by CLOCK_SHIFT_MS. */
const shiftMs = Number(process.env["CLOCK_SHIFT_MS"] ?? 0);
const now = Date.now;
Date.now = () => now() + shiftMs;
