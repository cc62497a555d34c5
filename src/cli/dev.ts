import diagnostics from 'node:diagnostics_channel';
import { once } from 'node:events';
import { ConfigError, toError } from '../errors.js';
import type { LocalReport } from '../local/index.js';
import { watchTraffic } from '../operate/traffic.js';
import { REPORT_CHANNEL, type Report } from '../report.js';
import { CommandError } from './command-error.js';
import type { Demo } from './demo/open-demo.js';
import { mappingLine, newLines, trafficLine } from './dev-lines.js';
import { DEV_HELP, type DevOptions, devOptions } from './dev-options.js';
import { namespaceOf } from './namespace.js';
import { openTarget } from './target.js';
import type { Terminal } from './terminal.js';
import { truncate, visible } from './text.js';
import type { BatchHandler } from './ui/stage.js';

/**
 * `stream-cache dev`: a table's stream to a handler, until the process is interrupted.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly, or the stream cannot be read
 */
export async function dev(args: readonly string[], terminal: Terminal): Promise<number> {
  const given = devOptions(args);
  if (given.help) {
    terminal.print(DEV_HELP);
    return 0;
  }
  const demo = given.demo ? await (await import('./demo/open-demo.js')).openDemo() : undefined;
  const options =
    demo === undefined ? given : { ...given, table: demo.tableName, streamEndpoint: demo.endpoint };
  const print = (line: string) => terminal.print(`${truncate(visible(line), terminal.width)}\n`);
  // The page, and with it the optional @aws-sdk/client-dynamodb, is for those alone who ask for it.
  const page = options.ui ? await (await import('./ui/dev-page.js')).openDevPage(options) : undefined;
  const target = page?.target ?? (await openTarget('dev', options));
  if (demo !== undefined && target.store === undefined) {
    throw new CommandError(
      'stream-cache dev: what a bundle has in its memory only the bundle knows. Name a cache with --cache.',
    );
  }
  const mapping = await openMapping(options, demo, page?.handler ?? target.handler, (report) => {
    const line = mappingLine(report);
    if (line !== undefined) print(line);
  });
  // The page shows what is read, and that is much.
  const linesOf = newLines(terminal.paint, demo !== undefined && page === undefined);
  const listen = (report: unknown) => {
    for (const line of linesOf(report as Report)) terminal.print(`${line}\n`);
  };
  diagnostics.subscribe(REPORT_CHANNEL, listen);
  const ticking = options.stats ? showTraffic(print) : undefined;
  try {
    await mapping.start().catch(fail);
    print(`Reading the stream of ${options.table} into ${target.cache}. Interrupt to stop.`);
    if (page !== undefined) terminal.print(`The page is at ${page.address}\n`);
    if (demo !== undefined) {
      terminal.print(`The table is in this process, with the key id, which is a text: ${demo.endpoint}\n`);
      // On the page it is for who looks to begin.
      if (page === undefined && target.store) demo.start(target.store, namespaceOf(options));
    }
    await interruption();
    await demo?.close();
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

async function openMapping(
  options: DevOptions,
  demo: Demo | undefined,
  handler: BatchHandler,
  onReport: (report: LocalReport) => void,
) {
  try {
    // Only this command needs it, and with it the optional @aws-sdk/client-dynamodb-streams.
    const { LocalEventSourceMapping } = await import('../local/index.js');
    return new LocalEventSourceMapping({
      handler,
      tableName: options.table,
      ...(demo === undefined ? await streamReader(options.streamEndpoint) : { source: demo.source }),
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

async function interruption(): Promise<void> {
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
}
