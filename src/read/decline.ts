import type { DeclinedReport } from '../report.js';
import type { Reader } from './reader.js';

/** Says that a read is left to DynamoDB, and why. Of a table without a name nothing is said: DynamoDB refuses the request. */
export function decline(
  reader: Pick<Reader, 'report'>,
  operation: DeclinedReport['operation'],
  tableName: unknown,
  reason: DeclinedReport['reason'],
  member?: string,
): undefined {
  if (typeof tableName !== 'string') return;
  reader.report({ type: 'declined', operation, tableName, reason, ...(member !== undefined && { member }) });
}
