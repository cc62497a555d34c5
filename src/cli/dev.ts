import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { ConfigError, toError } from '../errors.js';
import type { LocalReport } from '../local/index.js';
import { type Traffic, watchTraffic } from '../operate/traffic.js';
import { REPORT_CHANNEL, type Report } from '../report.js';
import { CommandError } from './command-error.js';
import { DEV_HELP, type DevOptions, devOptions } from './dev-options.js';
import { STYLE } from './outcomes.js';
import { openTarget } from './target.js';
import type { Paint, Terminal } from './terminal.js';
import { truncate, visible } from './text.js';
import type { BatchHandler } from './ui/stage.js';

/**
 * `stream-cache dev`: a table's stream to a handler, until the process is interrupted.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the stream cannot be read
 */
export async function dev(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = devOptions(args);
  if (options.help) {
    terminal.print(DEV_HELP);
    return 0;
  }
  const print = (line: string) => terminal.print(`${truncate(visible(line), terminal.width)}\n`);
  // The page, and with it the optional @aws-sdk/client-dynamodb, is for those alone who ask for it.
  const page = options.ui ? await (await import('./ui/dev-page.js')).openDevPage(options) : undefined;
  const target = page?.target ?? (await openTarget('dev', options));
  const mapping = await openMapping(options, page?.handler ?? target.handler, (report) => {
    const line = mappingLine(report);
    if (line !== undefined) print(line);
  });
  const reason = newReasons();
  const listen = (report: unknown) => {
    const line = recordLine(report as Report, terminal.paint);
    if (line !== undefined) terminal.print(`${line}\n`);
    const why = reason(report as Report);
    if (why !== undefined) terminal.print(`${terminal.paint('red', `! ${visible(why)}`)}\n`);
  };
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  const ticking = options.stats ? showTraffic(print) : undefined;
  try {
    await mapping.start().catch(fail);
    print(`Reading the stream of ${options.table} into ${target.cache}. Interrupt to stop.`);
    if (page !== undefined) terminal.print(`The page is at ${page.address}\n`);
    await interruption();
    await page?.close();
    await mapping.stop();
  } finally {
    ticking?.stop();
    diagnostics.unsubscribe(REPORT_CHANNEL, listen);
    if (page === undefined) await target.store?.close();
  }
  return 0;
}

const TRAFFIC_EVERY_MS = 5_000;

function showTraffic(print: (line: string) => void) {
  const traffic = watchTraffic();
  const timer = setInterval(() => print(trafficLine(traffic.take())), TRAFFIC_EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      traffic.stop();
    },
  };
}

function trafficLine({ seconds, hits, misses, records, hot }: Traffic): string {
  const rate = (number: number) => `${(number / seconds).toFixed(1)}/s`;
  const share = hits + misses === 0 ? '' : ` (${((hits / (hits + misses)) * 100).toFixed()} % hits)`;
  const keys = hot.map(({ key, count }) => `${key} ${rate(count)}`);
  return [
    `${rate(records)} records, ${rate(hits)} hits, ${rate(misses)} misses${share}`,
    ...(keys.length > 0 ? [`most read: ${keys.join(', ')}`] : []),
  ].join('; ');
}

async function openMapping(
  options: DevOptions,
  handler: BatchHandler,
  onReport: (report: LocalReport) => void,
) {
  try {
    // Only this command needs it, and with it the optional @aws-sdk/client-dynamodb-streams.
    const { LocalEventSourceMapping } = await import('../local/index.js');
    return new LocalEventSourceMapping({
      handler,
      tableName: options.table,
      ...(await streamReader(options.streamEndpoint)),
      batchSize: options.batchSize,
      startingPosition: options.fromStart ? 'TRIM_HORIZON' : 'LATEST',
      // A batch that is held on the page is not to be delivered again.
      timeoutInSeconds: options.ui ? 900 : 60,
      onReport,
    });
  } catch (error) {
    return fail(error);
  }
}

/**
 * How the stream is read: with the caller's credentials where there are any, since DynamoDB Local keeps the tables of
 * each access key and Region apart; else with whatever DynamoDB Local takes.
 */
async function streamReader(endpoint: string | undefined) {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  if (endpoint === undefined || !(AWS_ACCESS_KEY_ID || AWS_PROFILE)) return { endpoint };
  const { DynamoDBStreamsClient } = await import('@aws-sdk/client-dynamodb-streams');
  return {
    client: new DynamoDBStreamsClient({ endpoint, region: AWS_REGION ?? AWS_DEFAULT_REGION ?? 'us-east-1' }),
  };
}

function fail(thrown: unknown): never {
  const cause = toError(thrown);
  const exitCode = cause instanceof ConfigError ? 2 : 1;
  throw new CommandError(`stream-cache dev: ${cause.message}`, { cause, exitCode });
}

function recordLine(report: Report, paint: Paint): string | undefined {
  if (report.type !== 'record') return undefined;
  const outcome = paint(STYLE[report.outcome], report.outcome.padEnd('superseded'.length));
  return `${outcome}  ${report.eventName.padEnd('MODIFY'.length)}  ${visible(report.key ?? '(no key)')}`;
}

/** Why records fail: each cause once until a record succeeds, since a cache that is down fails all of them again and again. */
function newReasons() {
  const said = new Set<string>();
  return (report: Report): string | undefined => {
    if (report.type !== 'record') return undefined;
    if (report.outcome !== 'failed') {
      said.clear();
      return undefined;
    }
    const why = report.error?.message ?? 'The handler gave no reason.';
    if (said.has(why)) return undefined;
    said.add(why);
    return why;
  };
}

/** What is worth a line of what the mapping does; the records speak for themselves. */
function mappingLine(report: LocalReport): string | undefined {
  switch (report.type) {
    case 'invoked':
      if (report.error) return `The handler failed and is invoked again: ${report.error.message}`;
      return report.failedFrom && `Delivered again from ${report.failedFrom} on`;
    case 'source-failed':
      return `The stream cannot be read and is tried again: ${report.error.message}`;
    case 'iterator-renewed':
      return report.reason === 'trimmed'
        ? 'Records were trimmed from the stream before they were read'
        : undefined;
    default:
      return undefined;
  }
}

async function interruption(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
