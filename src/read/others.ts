import { UNMARSHALL } from './documents.js';
import type { Entry } from './stack.js';

/** The middlewares of others that a call passes behind the first of ours. */
export interface Others {
  /** There are some, or nobody can tell. */
  readonly areThere: boolean;
  /** The name of one that may stand behind the last of ours, too, where no hit comes. */
  readonly innermost: string | undefined;
}

const NONE: Others = { areThere: false, innermost: undefined };
export const UNKNOWN_OTHERS: Others = { areThere: true, innermost: undefined };

/** What every middleware of ours is named, or begins with. */
export const OURS = 'dynamodbStreamCache';

/** What the SDK itself puts onto the stacks of a client of DynamoDB and of its commands, in all versions from 3.575 on. */
const OF_THE_SDK: ReadonlySet<string> = new Set([
  'contentLengthMiddleware',
  'deserializerMiddleware',
  'DocumentMarshall',
  'DocumentUnmarshall',
  'endpointDiscoveryMiddleware',
  'endpointV2Middleware',
  'getUserAgentMiddleware',
  'hostHeaderMiddleware',
  'httpAuthSchemeMiddleware',
  'httpSigningMiddleware',
  'loggerMiddleware',
  'longPollMiddleware',
  'omitRetryHeadersMiddleware',
  'recursionDetectionMiddleware',
  'retryMiddleware',
  'serializerMiddleware',
]);

/** Finds what stands behind the first of ours, among the middlewares of a client and of its command. */
export function othersAmong(entries: readonly Entry[]): Others {
  const position = (wanted: string) => entries.findIndex(({ name }) => name === wanted);
  const first = position(OURS);
  // Ours is not on the client's own stack, so that nobody knows what else is.
  if (first < 0 || position('retryMiddleware') < 0) return UNKNOWN_OTHERS;

  const others = entries.filter((entry, index) => !isKnown(entry) && !comesBefore(entry, index < first));
  if (others.length === 0) return NONE;

  /** Whether it may stand between the last of ours and the wire. */
  const isInnermost = (entry: Entry): boolean => {
    const { step, priority = 'normal', toMiddleware, relation } = entry;
    const isLaterThan = (name: string) => entries.indexOf(entry) > position(name);
    if (toMiddleware === undefined) {
      if (step !== 'deserialize') return false;
      return priority === 'low' || (priority === 'normal' && isLaterThan('deserializerMiddleware'));
    }
    if (toMiddleware === 'deserializerMiddleware') return relation === 'after' || isLaterThan(UNMARSHALL);
    if (toMiddleware === UNMARSHALL || toMiddleware.startsWith(OURS)) return true;
    const other = others.find(({ name }) => name === toMiddleware);
    return other !== undefined && isInnermost(other);
  };
  const innermost = others.find(isInnermost);
  return { areThere: true, innermost: innermost && (innermost.name ?? 'without a name') };
}

function isKnown({ name = '' }: Entry): boolean {
  return OF_THE_SDK.has(name) || name.startsWith(OURS);
}

/** Whether it sees a call before ours does, and our answer as it would see any. */
function comesBefore(
  { step = 'initialize', priority, toMiddleware }: Entry,
  isAddedBefore: boolean,
): boolean {
  return toMiddleware === undefined && step === 'initialize' && (priority !== 'low' || isAddedBefore);
}
