import type { OperationAnswer, PendingOperation } from "../query/query-service.ts";

/** What came of an operation; or that it waits for its turn. */
export function printOperation(
  answer: OperationAnswer | PendingOperation,
  asJson: true | undefined,
): void {
  if (asJson) {
    console.log(JSON.stringify(answer));
    return;
  }
  if ("pending" in answer) {
    console.log(`operation ${answer.id} is durable and waits for its turn`);
    return;
  }
  const { id, type, as_of: asOf, result } = answer;
  const numbers = Object.entries(result).map(([name, n]) => `${name.replaceAll("_", " ")} ${n}`);
  console.log(`${type} ${id}: ${numbers.join(", ")}; as of commit ${asOf}`);
}
