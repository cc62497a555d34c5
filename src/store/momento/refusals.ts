import { CacheError } from '../../errors.js';

/** How the SDK answers what failed: it throws nothing. */
export interface Refusal {
  errorCode(): string;
  innerException(): {
    readonly message: string;
    transportDetails(): { readonly grpc: { readonly metadata?: object } } | undefined;
  };
}

export function isRefusal(response: object): response is Refusal {
  return 'innerException' in response;
}

/** What is to be stored is larger than the account may store, or than one request may be. */
export class TooLargeError extends CacheError {}

/** What the service says of itself or of the moment, not of what was asked. */
const PASSING: readonly string[] = [
  'SERVER_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
  'CANCELLED_ERROR',
  'TIMEOUT_ERROR',
  'LIMIT_EXCEEDED_ERROR',
];

/** Whether the same call, a moment later, may well be answered. */
export function mayPass(refusal: Refusal): boolean {
  return PASSING.includes(refusal.errorCode()) && !isOfSize(refusal);
}

/** The codes of https://docs.momentohq.com/cache/develop/basics/error-handling; nobody answers the first three. */
const MEANINGS: Readonly<Record<string, string>> = {
  SERVER_UNAVAILABLE: 'cannot be reached',
  TIMEOUT_ERROR: 'did not answer in the time there was',
  CANCELLED_ERROR: 'did not answer: the call was cancelled',
  AUTHENTICATION_ERROR: 'refuses the API key',
  PERMISSION_ERROR: 'does not permit this to the API key',
  NOT_FOUND_ERROR: 'does not exist',
  LIMIT_EXCEEDED_ERROR: 'refuses more than the limits of its account',
  INVALID_ARGUMENT_ERROR: 'refuses an argument, such as a time to live beyond the limit of its account',
};
const UNANSWERED = ['SERVER_UNAVAILABLE', 'TIMEOUT_ERROR', 'CANCELLED_ERROR', 'CONNECTION_ERROR'];

/** The service's own words may quote what was sent. */
export function failureOf(cacheName: string, refusal: Refusal): CacheError {
  const code = refusal.errorCode();
  const of = isOfSize(refusal) ? TooLargeError : CacheError;
  return new of(
    `The cache ${JSON.stringify(cacheName)} of Momento ${MEANINGS[code] ?? 'failed'} (${code}).`,
    { answered: !UNANSWERED.includes(code) },
  );
}

/** The limits of size and of rate have one code. Which it is stands in the metadata, or else in the words. */
function isOfSize(refusal: Refusal): boolean {
  if (refusal.errorCode() !== 'LIMIT_EXCEEDED_ERROR') return false;
  const error = refusal.innerException();
  const metadata = error.transportDetails()?.grpc.metadata as { get?(name: string): unknown[] } | undefined;
  const [limit = error.message] = metadata?.get?.('err') ?? [];
  return /\bsize\b|_size_/i.test(String(limit));
}
