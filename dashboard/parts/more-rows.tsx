import type { Pages } from "../client/use-pages.ts";
import { formatCount } from "../model/format.ts";

/** How much of a table is there, and the way to more of it. */
export function MoreRows({
  pages,
  what,
}: {
  readonly pages: Pages<unknown, unknown>;
  readonly what: string;
}) {
  const { rows, more, isLoading } = pages;
  return (
    <div class="more-rows">
      <span>
        {formatCount(rows.length)} {what}
        {more ? ", and there are more" : ""}
      </span>
      {more && (
        <button type="button" disabled={isLoading} onClick={more}>
          {isLoading ? "Loading …" : "Show more"}
        </button>
      )}
    </div>
  );
}
