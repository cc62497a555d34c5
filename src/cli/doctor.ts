import { toError } from '../errors.js';
import { checkCache } from '../operate/doctor/cache.js';
import type { Finding } from '../operate/doctor/finding.js';
import { CommandError } from './command-error.js';
import { DOCTOR_HELP, type DoctorOptions, doctorOptions } from './doctor-options.js';
import { openOperatedCache, operatedUrl } from './operated-cache.js';
import { openDynamoDB } from './operated-table.js';
import { settingsOf } from './settings.js';
import type { Style, Terminal } from './terminal.js';
import { count, visible } from './text.js';

/**
 * `stream-cache doctor`: what most often goes wrong.
 *
 * @returns the exit code
 * @throws CommandError when it is used wrongly
 */
export async function doctor(args: readonly string[], terminal: Terminal): Promise<number> {
  const options = doctorOptions(args);
  if (options.help) {
    terminal.print(DOCTOR_HELP);
    return 0;
  }
  const found = [...(await ofCache(options)), ...(await ofTable(options))];
  terminal.print(
    options.json ? `${JSON.stringify({ findings: found }, null, 2)}\n` : textOf(found, terminal),
  );
  return found.some(({ verdict }) => verdict === 'wrong') ? 1 : 0;
}

async function ofCache({ cache: given, namespace, table }: DoctorOptions): Promise<Finding[]> {
  const cache = await openOperatedCache('doctor', given);
  try {
    const { rules } = settingsOf('doctor', table ?? 'stream-cache-doctor');
    return await checkCache({ cache, url: operatedUrl('doctor', given), namespace, rules });
  } finally {
    await cache.close();
  }
}

async function ofTable(options: DoctorOptions): Promise<Finding[]> {
  const { table: tableName, endpoint, function: functionName } = options;
  if (tableName === undefined) return [];
  const client = await openDynamoDB('doctor', endpoint);
  try {
    const { checkTable } = await import('../operate/doctor/table.js');
    const { findings, streamArn } = await checkTable(client, tableName, settingsOf('doctor', tableName));
    if (functionName === undefined) return findings;
    return [...findings, ...(await ofMapping(options, functionName, tableName, streamArn))];
  } finally {
    client.destroy();
  }
}

async function ofMapping(
  { cache, namespace }: DoctorOptions,
  functionName: string,
  tableName: string,
  streamArn: string | undefined,
): Promise<Finding[]> {
  const [{ LambdaClient }, { checkMapping }] = await Promise.all([
    import('@aws-sdk/client-lambda'),
    import('../operate/doctor/mapping.js'),
  ]).catch((cause) => {
    throw new CommandError(
      `stream-cache doctor: --function needs @aws-sdk/client-lambda. Install it. (${toError(cause).message})`,
      { cause },
    );
  });
  const client = new LambdaClient();
  // What an option says stands for its variable.
  const environment = {
    ...process.env,
    STREAM_CACHE_URL: operatedUrl('doctor', cache),
    STREAM_CACHE_NAMESPACE: namespace,
  };
  const { lateAfterMs } = settingsOf('doctor', tableName).rules;
  try {
    return await checkMapping({ client, functionName, tableName, streamArn, environment, lateAfterMs });
  } finally {
    client.destroy();
  }
}

const MARK: Readonly<Record<Finding['verdict'], readonly [mark: string, style: Style]>> = {
  ok: ['ok', 'green'],
  warning: ['warning', 'yellow'],
  wrong: ['wrong', 'red'],
  unknown: ['unknown', 'dim'],
};

function textOf(found: readonly Finding[], { paint }: Terminal): string {
  const width = Math.max(...found.map(({ subject, check }) => `${subject}: ${check}`.length));
  const lines = found.flatMap(({ subject, check, verdict, found: what, remedy }) => {
    const [mark, style] = MARK[verdict];
    const head = `${paint(style, mark.padEnd('warning'.length))}  ${`${subject}: ${check}`.padEnd(width)}  ${visible(what)}`;
    return remedy === undefined ? [head] : [head, `${' '.repeat('warning'.length + 2)}→ ${visible(remedy)}`];
  });
  const counted = (verdict: Finding['verdict']) => found.filter((each) => each.verdict === verdict).length;
  const unknown = counted('unknown');
  const closing = [
    count(found.length, 'check'),
    `${counted('wrong')} wrong`,
    count(counted('warning'), 'warning'),
    ...(unknown > 0 ? [`${unknown} could not be made`] : []),
  ].join(', ');
  return `${lines.join('\n')}\n${closing}.\n`;
}
