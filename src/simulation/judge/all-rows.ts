interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next_cursor: string | null;
}

/** The rows of all pages. */
export async function allRows<Row>(
  ask: (cursor: { readonly cursor?: string }) => Promise<Page<Row>>,
): Promise<Row[]> {
  const rows: Row[] = [];
  let next: string | null = null;
  do {
    const page: Page<Row> = await ask(next === null ? {} : { cursor: next });
    rows.push(...page.rows);
    next = page.next_cursor;
  } while (next !== null);
  return rows;
}
