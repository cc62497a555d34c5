import { GetFunctionConfigurationCommand, type LambdaClient } from '@aws-sdk/client-lambda';
import { type Finding, findings, refusal } from './finding.js';

const { ok, warning, unknown } = findings('function');

export interface MappedFunction {
  readonly client: LambdaClient;
  readonly functionName: string;
  readonly tableName: string;
  /** Of the table's stream as it is now; absent when that is not known. */
  readonly streamArn: string | undefined;
  /** Variables that the function and this process have to share, as they are here. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A change older than this only invalidates. */
  readonly lateAfterMs: number;
}

/** What the function was told, beside what this process was. */
export async function checkEnvironment({
  client,
  functionName,
  environment,
}: MappedFunction): Promise<Finding[]> {
  let variables: Readonly<Record<string, string>>;
  try {
    const command = new GetFunctionConfigurationCommand({ FunctionName: functionName });
    variables = (await client.send(command)).Environment?.Variables ?? {};
  } catch (thrown) {
    return [unknown('environment', ...refusal(thrown, 'lambda:GetFunctionConfiguration'))];
  }
  const names = new Set([...Object.keys(variables), ...Object.keys(environment)].filter(isShared));
  const unequal = [...names].filter((name) => normal(variables[name]) !== normal(environment[name]));
  return [
    sameCache(variables.STREAM_CACHE_URL, environment.STREAM_CACHE_URL),
    unequal.length === 0
      ? ok('environment', 'as here')
      : warning(
          'environment',
          `other than here: ${unequal.sort().join(', ')}`,
          'The function and all readers have to share these. Values are not shown.',
        ),
  ];
}

function sameCache(there: string | undefined, here: string | undefined): Finding {
  if (!there) return unknown('cache', 'its environment names none: code of yours does');
  const [its, own] = [placeOf(there), placeOf(here ?? '')];
  return its === own
    ? ok('cache', 'the one that is checked here')
    : warning(
        'cache',
        `it writes to ${its}, and ${own} is checked here`,
        'Readers have to name the same cache as the function. By a tunnel, this is one cache under two names.',
      );
}

/** Where a cache is, without who asks it and how. */
function placeOf(url: string): string {
  const [, place = ''] = /^[a-z-]+:(?:\/\/)?(?:.*@)?([^/?#]*(?:\/\d+)?)/i.exec(url) ?? [];
  return place
    .toLowerCase()
    .replace(/\/0*$/, '')
    .replace(/:6379$/, '');
}

/** The same declarations are equal, in whatever order they are written. */
function normal(value = ''): string {
  try {
    return JSON.stringify(JSON.parse(value), sorted);
  } catch {
    return value;
  }
}

function sorted(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Those that make keys and texts, and how long what is remembered counts. */
function isShared(name: string): boolean {
  return /^STREAM_CACHE_(?:MODE|NAMESPACE|TABLE_NAME|TABLES|TTL_ATTRIBUTE|LATE_AFTER_SECONDS|GUARD_SECONDS|SETTLE_SECONDS)$/.test(
    name,
  );
}
