import { CodedError } from "../../model/errors.ts";
import type { QueryService } from "../../query/query-service.ts";
import type { PartitionedOracle } from "./partitioned-oracle.ts";

/** Every erasure tells of how many clicks it was, of all partitions together. */
export async function judgeErasures(
  oracle: PartitionedOracle,
  query: QueryService,
): Promise<string | undefined> {
  for (const [id, clicks] of oracle.erased) {
    const told = await query.operation(id).catch((error: unknown) => {
      if (error instanceof CodedError && error.code === "not_found") return undefined;
      throw error;
    });
    const erased = told?.result["erased"];
    if (erased !== clicks) return `${id} tells of ${erased} clicks erased instead of ${clicks}`;
  }
  return undefined;
}
