import type { Contents, Invocation, RecordResult } from './invocation.js';
import type { Run } from './run.js';

/**
 * Everything that `invoke` shows, for programs. In an event's `cache`, `null` is a key that is not cached; `cache`
 * itself is `null` when it cannot be looked into.
 */
export function jsonDocument(run: Run, invocations: readonly Invocation[]): string {
  const events = invocations.map(({ file, records, invalidatesOnly, response, contents }) => ({
    file,
    records: records.map(recordMember),
    invalidatesOnly: invalidatesOnly.map(({ tableName, reason }) => ({ tableName, reason })),
    response: response ?? null,
    cache: contents === undefined ? null : contentsMember(contents),
  }));
  return `${JSON.stringify({ ...run, events }, null, 2)}\n`;
}

function recordMember({ sequenceNumber, eventName, tableName, key, outcome, error, poison }: RecordResult) {
  return {
    ...{ sequenceNumber, eventName, tableName, key, outcome },
    error: error?.message,
    poison: poison?.message,
  };
}

function contentsMember(contents: Contents) {
  const members = [...contents].map(([key, text]) => [
    key,
    text instanceof Error ? { error: text.message } : (text ?? null),
  ]);
  return Object.fromEntries(members);
}
