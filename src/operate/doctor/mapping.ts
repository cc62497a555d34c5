import {
  type EventSourceMappingConfiguration,
  GetEventSourceMappingCommand,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda';
import { toError } from '../../errors.js';
import { type Finding, findings, refusal } from './finding.js';
import { checkEnvironment, type MappedFunction } from './function.js';

const { ok, warning, wrong, unknown } = findings('mapping');

/** Below this a short failure of the cache loses records. */
const LEAST_AGE_SECONDS = 3_600;

/** The mapping of a table's stream to the function, and what the function was told. docs/deploy.md says why each is as it should be. */
export async function checkMapping(about: MappedFunction): Promise<Finding[]> {
  const { client, functionName: FunctionName, tableName } = about;
  const mappings: EventSourceMappingConfiguration[] = [];
  try {
    for await (const page of paginateListEventSourceMappings({ client }, { FunctionName })) {
      mappings.push(...(page.EventSourceMappings ?? []));
    }
  } catch (thrown) {
    if (toError(thrown).name === 'ResourceNotFoundException') {
      return [
        wrong(
          'function',
          `there is no function ${FunctionName} in this account and Region`,
          'Check its name, AWS_REGION and the profile.',
        ),
      ];
    }
    return [unknown('mapping', ...refusal(thrown, 'lambda:ListEventSourceMappings'))];
  }
  const own = mappings.filter(({ EventSourceArn }) =>
    EventSourceArn?.includes(`:table/${tableName}/stream/`),
  );
  if (own.length === 0) {
    return [
      wrong(
        'mapping',
        `no stream of ${tableName} is mapped to ${FunctionName}`,
        'Map the stream of the table to it: docs/deploy.md. What brings its records otherwise (docs/sources.md) is not looked at.',
      ),
      ...(await checkEnvironment(about)),
    ];
  }
  const checked = await Promise.all(
    own.map(async (mapping) => [...settings(mapping, about), await filters(mapping, about)]),
  );
  return [...checked.flat(), ...(await checkEnvironment(about))];
}

function settings(mapping: EventSourceMappingConfiguration, about: MappedFunction): Finding[] {
  const update = updateOf(mapping);
  return [
    state(mapping, update),
    lastResult(mapping),
    stream(mapping, about.streamArn),
    start(mapping, about.tableName),
    mapping.FunctionResponseTypes?.includes('ReportBatchItemFailures')
      ? ok('partial failures', 'reported')
      : wrong(
          'partial failures',
          'ReportBatchItemFailures is not set: what the handler reports as failed counts as done, and is lost',
          `${update} --function-response-types ReportBatchItemFailures`,
        ),
    mapping.BisectBatchOnFunctionError
      ? ok('bisect', 'on')
      : warning(
          'bisect',
          'off: a batch at which the function fails is tried again as a whole',
          `${update} --bisect-batch-on-function-error`,
        ),
    batch(mapping, about.lateAfterMs, update),
    age(mapping, update),
    attempts(mapping, update),
    destination(mapping, update),
  ];
}

function updateOf({ UUID }: EventSourceMappingConfiguration): string {
  return `aws lambda update-event-source-mapping --uuid ${UUID}`;
}

function state({ State = 'unknown' }: EventSourceMappingConfiguration, update: string): Finding {
  if (State === 'Enabled') return ok('state', State);
  if (/^(?:Creating|Enabling|Updating)$/.test(State)) {
    return warning('state', `${State}: records wait meanwhile`, 'Look again in a minute.');
  }
  return wrong('state', `${State}: no change reaches the cache`, `${update} --enabled`);
}

function lastResult({ LastProcessingResult: result }: EventSourceMappingConfiguration): Finding {
  if (result === undefined) return unknown('last result', 'Lambda does not say how the last invocation went');
  return /^PROBLEM/i.test(result)
    ? wrong('last result', result, "Look into the function's log: docs/runbook.md says what its errors mean.")
    : ok('last result', result);
}

/** It cannot be changed, and matters while what was cached before the mapping lives. */
function start({ StartingPosition }: EventSourceMappingConfiguration, tableName: string): Finding {
  if (StartingPosition === undefined) return unknown('start', 'Lambda does not say where it began');
  return StartingPosition === 'LATEST'
    ? warning(
        'start',
        'it began at LATEST: what changed while it was made may be missing',
        `Once: stream-cache verify ${tableName}. Make new ones from TRIM_HORIZON on.`,
      )
    : ok('start', `from ${StartingPosition} on`);
}

/** A mapping's own default. */
const LEAST_BATCH = 100;

function batch(
  {
    BatchSize = LEAST_BATCH,
    MaximumBatchingWindowInSeconds: window = 0,
    ParallelizationFactor: parallel = 1,
    TumblingWindowInSeconds: tumbling = 0,
  }: EventSourceMappingConfiguration,
  lateAfterMs: number,
  update: string,
): Finding {
  if (window * 1_000 >= lateAfterMs) {
    return wrong(
      'batch',
      `gathered for up to ${window} s, and a change of ${lateAfterMs / 1_000} s is late: it deletes, and stores nothing`,
      `${update} --maximum-batching-window-in-seconds 0`,
    );
  }
  if (tumbling > 0) {
    return warning(
      'batch',
      `with a tumbling window of ${tumbling} s, of which the handler makes no use`,
      `${update} --tumbling-window-in-seconds 0`,
    );
  }
  const found = `up to ${BatchSize.toLocaleString('en')} records, gathered for ${window} s, ${parallel} batch${parallel === 1 ? '' : 'es'} of a shard at a time`;
  return BatchSize < LEAST_BATCH
    ? warning('batch', `${found}: it catches up slowly`, `${update} --batch-size 1000`)
    : ok('batch', found);
}

function stream({ EventSourceArn }: EventSourceMappingConfiguration, streamArn: string | undefined): Finding {
  if (streamArn === undefined) return unknown('stream', 'it is not known which stream the table has now');
  return EventSourceArn === streamArn
    ? ok('stream', "the table's own")
    : wrong(
        'stream',
        'one that the table had before',
        'Make a mapping of the new stream, from TRIM_HORIZON on, and delete this one.',
      );
}

function age(
  { MaximumRecordAgeInSeconds: seconds = -1 }: EventSourceMappingConfiguration,
  update: string,
): Finding {
  if (seconds === -1) {
    return warning(
      'record age',
      'without end: a record that always fails holds up its shard until the stream forgets it',
      `${update} --maximum-record-age-in-seconds 43200`,
    );
  }
  return seconds < LEAST_AGE_SECONDS
    ? warning(
        'record age',
        `${seconds} s: what fails for longer is given up, and its entries stay as they were`,
        `${update} --maximum-record-age-in-seconds 43200`,
      )
    : ok('record age', `${seconds} s`);
}

function attempts(
  { MaximumRetryAttempts: most = -1 }: EventSourceMappingConfiguration,
  update: string,
): Finding {
  if (most === -1 || most >= 1_000) return ok('retries', most === -1 ? 'until the age ends them' : `${most}`);
  return warning(
    'retries',
    `${most}: a cache that is away for minutes uses them up`,
    `${update} --maximum-retry-attempts 10000`,
  );
}

function destination({ DestinationConfig }: EventSourceMappingConfiguration, update: string): Finding {
  const arn = DestinationConfig?.OnFailure?.Destination;
  const remedy = `${update} --destination-config '{"OnFailure":{"Destination":"arn:aws:s3:::BUCKET"}}'`;
  if (!arn)
    return warning(
      'destination',
      'none: what is given up leaves no trace, and its entries stay as they were',
      remedy,
    );
  return arn.startsWith('arn:aws') && arn.split(':')[2] === 's3'
    ? ok('destination', 'a bucket, which gets the events')
    : warning(
        'destination',
        'a queue or topic, which is told only where the records were, for the 24 hours that the stream has them',
        remedy,
      );
}

/** What a filter may look at without hiding a change of an item from the cache: its key, which it keeps. */
async function filters(
  mapping: EventSourceMappingConfiguration,
  { client }: MappedFunction,
): Promise<Finding> {
  let { FilterCriteria } = mapping;
  if (mapping.KMSKeyArn !== undefined) {
    // Where a key of the customer's encrypts them, the list leaves them out.
    try {
      ({ FilterCriteria } = await client.send(new GetEventSourceMappingCommand({ UUID: mapping.UUID })));
    } catch (thrown) {
      return unknown('filters', ...refusal(thrown, 'lambda:GetEventSourceMapping'));
    }
    if (FilterCriteria === undefined)
      return unknown('filters', `encrypted with ${mapping.KMSKeyArn}`, 'Give kms:Decrypt with that key.');
  }
  const looksAt = (FilterCriteria?.Filters ?? []).flatMap(({ Pattern }) => Pattern ?? []).map(membersOf);
  if (looksAt.length === 0) return ok('filters', 'none');
  if (looksAt.some((members) => members.length === 0)) return ok('filters', 'one lets everything through');
  const hiding = new Set(looksAt.flat().filter((member) => member !== KEYS));
  return hiding.size > 0
    ? wrong(
        'filters',
        `they look at ${[...hiding].join(', ')}, and hide changes`,
        `An entry stays as it was when its change is filtered out. Filter by keys alone: ${updateOf(mapping)} --filter-criteria '{}'`,
      )
    : warning(
        'filters',
        'they look at keys alone',
        'What they leave out must not be cached by readers either: use a client without the middleware for it. docs/handler.md says more.',
      );
}

const KEYS = 'dynamodb.Keys';

/** The members of a record that a pattern looks at, as far as `dynamodb` has them. */
function membersOf(pattern: string): string[] {
  try {
    return namesIn(JSON.parse(pattern));
  } catch {
    return ['what is no JSON'];
  }
}

function namesIn(pattern: Record<string, object>, within = ''): string[] {
  return Object.entries(pattern).flatMap(([name, inner]) => {
    if (name === '$or') return (inner as Record<string, object>[]).flatMap((each) => namesIn(each, within));
    return name === 'dynamodb' && within === ''
      ? namesIn(inner as Record<string, object>, 'dynamodb.')
      : `${within}${name}`;
  });
}
