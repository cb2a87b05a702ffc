import { minuteDimensions } from "../model/dimensions.ts";
import type { DimensionLayout } from "../model/dimensions.ts";
import type { Filter } from "../model/filter.ts";
import { filterFields } from "../model/filter.ts";
import type { MinuteRange } from "../model/window.ts";
import type { AggregateQuery } from "../store/click-store.ts";
import type { Visibility } from "../store/visibility.ts";
import type { ConfigHistory } from "./config-history.ts";
import type { AggregateParts } from "./query-view.ts";

/**
 * Where a query over these fields is answered: from the minute store if every layout in force in its range keeps
 * each of them with the minute (ads and their attributes always are), else from the raw clicks.
 */
export function chooseSource(
  filter: Filter | undefined,
  groupBy: readonly string[],
  layouts: readonly DimensionLayout[],
): "minute" | "raw" {
  const fields = [...filterFields(filter), ...groupBy].filter(
    (field) => field !== "ad_id" && !field.startsWith("ad."),
  );
  const isKept = layouts.every((layout) => {
    const names = new Set(minuteDimensions(layout).map(({ name }) => name));
    return fields.every((field) => names.has(field));
  });
  return isKept ? "minute" : "raw";
}

/** The store's query, with the source that its fields and the layouts in its range allow. */
export function aggregateQuery(
  configs: ConfigHistory,
  range: MinuteRange,
  filter: Filter | undefined,
  parts: AggregateParts,
  visibility: Visibility | undefined,
): AggregateQuery {
  const source = chooseSource(filter, parts.groupBy, configs.layouts(range, visibility));
  return {
    ...range,
    ...parts,
    source,
    ...(filter && { filter }),
    ...(visibility && { visibility }),
  };
}
