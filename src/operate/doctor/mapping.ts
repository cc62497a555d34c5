import {
  type EventSourceMappingConfiguration,
  GetFunctionConfigurationCommand,
  type LambdaClient,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda';
import { toError } from '../../errors.js';
import { type Finding, findings, refusal } from './finding.js';

const { ok, warning, wrong, unknown } = findings('mapping');
const ofFunction = findings('function');

/** Below this a short failure of the cache loses records. */
const LEAST_AGE_SECONDS = 3_600;

export interface MappedFunction {
  readonly client: LambdaClient;
  readonly functionName: string;
  readonly tableName: string;
  /** Of the table's stream as it is now; absent when that is not known. */
  readonly streamArn: string | undefined;
  /** Variables that the function and this process have to share, as they are here. */
  readonly environment: Readonly<Record<string, string>>;
}

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
        'Map the stream of the table to it: docs/deploy.md.',
      ),
      ...(await checkEnvironment(about)),
    ];
  }
  return [...own.flatMap((mapping) => settings(mapping, about)), ...(await checkEnvironment(about))];
}

function settings(mapping: EventSourceMappingConfiguration, { streamArn }: MappedFunction): Finding[] {
  const update = `aws lambda update-event-source-mapping --uuid ${mapping.UUID}`;
  return [
    state(mapping, update),
    stream(mapping, streamArn),
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
    age(mapping, update),
    attempts(mapping, update),
    destination(mapping, update),
    filters(mapping, update),
  ];
}

function state({ State }: EventSourceMappingConfiguration, update: string): Finding {
  return State === 'Enabled'
    ? ok('state', 'Enabled')
    : wrong('state', `${State}: no change reaches the cache`, `${update} --enabled`);
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
function filters({ FilterCriteria }: EventSourceMappingConfiguration, update: string): Finding {
  const patterns = (FilterCriteria?.Filters ?? []).flatMap(({ Pattern }) => Pattern ?? []);
  if (patterns.length === 0) return ok('filters', 'none');
  const remedy = `An entry stays as it was when its change is filtered out. Filter by keys alone: ${update} --filter-criteria '{}'`;
  for (const pattern of patterns) {
    const hiding = hidingMembers(pattern);
    if (hiding.length > 0)
      return wrong('filters', `they look at ${hiding.join(', ')}, and hide changes`, remedy);
  }
  return warning(
    'filters',
    'they look at keys alone',
    'What they leave out must not be cached by readers either: name only such tables and keys there.',
  );
}

function hidingMembers(pattern: string): string[] {
  try {
    const { dynamodb = {}, ...record } = JSON.parse(pattern) as Record<string, object>;
    const ofRecord = Object.keys(record).filter((name) => name !== 'eventSource');
    const ofChange = Object.keys(dynamodb).filter((name) => name !== 'Keys');
    return [...ofRecord, ...ofChange.map((name) => `dynamodb.${name}`)];
  } catch {
    return ['what is no JSON'];
  }
}

async function checkEnvironment({ client, functionName, environment }: MappedFunction): Promise<Finding[]> {
  let variables: Readonly<Record<string, string>>;
  try {
    const command = new GetFunctionConfigurationCommand({ FunctionName: functionName });
    variables = (await client.send(command)).Environment?.Variables ?? {};
  } catch (thrown) {
    return [ofFunction.unknown('environment', ...refusal(thrown, 'lambda:GetFunctionConfiguration'))];
  }
  const names = new Set([...Object.keys(variables), ...Object.keys(environment)].filter(isShared));
  const unequal = [...names].filter((name) => (variables[name] ?? '') !== (environment[name] ?? ''));
  if (unequal.length === 0) return [ofFunction.ok('environment', 'as here')];
  return [
    ofFunction.warning(
      'environment',
      `other than here: ${unequal.sort().join(', ')}`,
      'The function and all readers have to share these. Values are not shown.',
    ),
  ];
}

/** Those that make keys and texts, and how long what is remembered counts. */
function isShared(name: string): boolean {
  return /^STREAM_CACHE_(?:NAMESPACE|TABLE_NAME|TABLES|TTL_ATTRIBUTE|LATE_AFTER_SECONDS|GUARD_SECONDS|SETTLE_SECONDS)$/.test(
    name,
  );
}
