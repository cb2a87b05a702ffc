import { describeClickQueue } from "../../contract/click-queue.contract.ts";
import { openSqliteQueue } from "../../support/sqlite-queue.ts";

describeClickQueue("the SQLite queue", (partitionCount) => openSqliteQueue(partitionCount));
