import type { FinalityStatus } from "../../src/query/query-service.ts";

export const statusMeanings: Readonly<Record<FinalityStatus, string>> = {
  provisional: "clicks may still come in",
  final: "all in; changes from here on are in the journal",
  restated: "changed after it was final, openly",
  closed: "sealed for billing, never changes",
};

interface StatusBadgeProps {
  readonly status: FinalityStatus;
  readonly revision?: number;
}

export function StatusBadge({ status, revision = 0 }: StatusBadgeProps) {
  return (
    <span class={`badge badge-${status}`} title={statusMeanings[status]}>
      {status}
      {revision > 0 && <span class="badge-revision"> r{revision}</span>}
    </span>
  );
}
