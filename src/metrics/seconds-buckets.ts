/** Seconds, with those of the objectives among them: 10 and 25 ms, 250 ms, 1 and 2 s. */
export const secondsBuckets = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60,
];
