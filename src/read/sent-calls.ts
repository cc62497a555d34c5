import { processWide } from '../process-wide.js';

/** Whoever wants to know whether a call that is sent has passed a caching middleware: one watcher for all copies of this package. */
interface SentCalls {
  /** Ids of calls that have, and are about to be sent. Absent while nobody watches. */
  ids?: Set<string> | undefined;
}

export const SENT_CALLS = processWide('sent-calls', (): SentCalls => ({}));

/** More are not under way at once: those that no HTTP client of Node's sends are never seen again. */
const MOST_IDS = 100_000;

type Header = string | number | readonly string[] | undefined;

/** What tells one attempt of a call from all others: the SDK's id, or its signature where a retry strategy of the application's gives none. */
export function idOfCall(header: (name: string) => Header): string | undefined {
  const id = header('amz-sdk-invocation-id') ?? header('authorization');
  return id === undefined ? undefined : String(id);
}

export function noteSent(headers: Readonly<Record<string, string>> | undefined): void {
  const { ids } = SENT_CALLS;
  const id = ids && idOfCall((name) => headers?.[name]);
  if (ids === undefined || id === undefined) return;
  if (ids.size >= MOST_IDS) ids.delete(ids.values().next().value as string);
  ids.add(id);
}
