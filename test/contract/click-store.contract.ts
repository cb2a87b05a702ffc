/** What every store promises (src/store/click-store.ts), against values that the tests compute plainly themselves. */
import { describeAggregates } from "./click-store/aggregates.ts";
import { describeBooks } from "./click-store/books.ts";
import { describeChanges } from "./click-store/changes.ts";
import { describeClicks } from "./click-store/clicks.ts";
import { describeCloses } from "./click-store/closes.ts";
import { describeCommits } from "./click-store/commits.ts";
import { describeCorrections } from "./click-store/corrections.ts";
import { describeErasures } from "./click-store/erasures.ts";
import { describeRandomAggregates } from "./click-store/random-aggregates.ts";
import { describeRecomputes } from "./click-store/recomputes.ts";
import { describeRetention } from "./click-store/retention.ts";
import type { OpenStore, Repetitions } from "./click-store/harness.ts";
import { manyRepetitions } from "./click-store/harness.ts";
import { describeVisibility } from "./click-store/visibility.ts";

export function describeClickStore(
  title: string,
  open: OpenStore,
  { randomRuns, pageSizes }: Repetitions = manyRepetitions,
): void {
  describeAggregates(title, open);
  describeRandomAggregates(title, open, randomRuns);
  describeCommits(title, open);
  describeBooks(title, open);
  describeClicks(title, open);
  describeCorrections(title, open);
  describeVisibility(title, open);
  describeChanges(title, open, pageSizes);
  describeRecomputes(title, open);
  describeCloses(title, open);
  describeRetention(title, open);
  describeErasures(title, open);
}
