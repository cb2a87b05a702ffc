/** What a key may do. */

export const scopes = ["ingest", "query", "admin"] as const;

/** `ingest` sends clicks, `query` asks, `admin` changes what was counted. */
export type Scope = (typeof scopes)[number];

/** `admin` may all: who can import, void and erase decides every number anyway. */
export function allows(held: readonly Scope[], asked: Scope): boolean {
  return held.includes(asked) || held.includes("admin");
}

/** Undefined where a name is no scope, or there is none. */
export function parseScopes(names: readonly unknown[]): readonly Scope[] | undefined {
  const known = scopes.filter((scope) => names.includes(scope));
  return known.length > 0 && known.length === new Set(names).size ? known : undefined;
}
