// Works the pair hard while its cache and its function fail in every way that we know: `npm run proof:soak`.
import { isGrowing } from './memory.js';
import { readSoakOptions } from './options.js';
import { type FaultRecord, type SoakResult, soak } from './soak.js';
import { BUDGET_MS, GRACE_MS } from './workload.js';

const options = readSoakOptions(process.argv.slice(2));
const began = Date.now();
/** Connections of two clients: as many execution environments may come and go. */
const TWO_CLIENTS = options.topology === 'cluster' ? 14 : 4;
console.log(`Soak of ${options.minutes} min on a ${options.topology} cache, seed ${options.seed}.\n`);
console.log('    at  lasted  converged  connections  environments  heap MB  function MB  fault');
const result = await soak(options, (fault) => console.log(faultLine(fault)));
const violations = violationsOf(result);
printResult(result);
console.log(violations.length === 0 ? '\nNo violation.' : `\nVIOLATIONS\n${violations.join('\n')}`);
process.exit(violations.length === 0 ? 0 : 1);

function faultLine({
  name,
  at,
  lastedMs,
  convergedMs,
  connections,
  environments,
  heap,
  functionHeap,
}: FaultRecord): string {
  const cells = [
    seconds(at - began).padStart(6),
    seconds(lastedMs).padStart(6),
    (convergedMs === undefined ? 'never' : seconds(convergedMs)).padStart(9),
    String(connections).padStart(11),
    String(environments).padStart(12),
    megabytes(heap).padStart(7),
    megabytes(functionHeap).padStart(11),
    name,
  ];
  return cells.join('  ');
}

function printResult({ figures, ledger, faults, ...rest }: SoakResult): void {
  const count = (counts: Record<string, number>) =>
    Object.entries(counts)
      .map(([name, number]) => `${name} ${number}`)
      .join(', ');
  const failovers = faults.filter(({ isFailover }) => isFailover).length;
  const rows: [string, unknown][] = [
    ['time', `${seconds(Date.now() - began)} s`],
    ['reads', `${count(figures.reads)}; all from the cache: ${figures.hits}`],
    ['writes', count(figures.writes)],
    [
      'stream',
      `${count(Object.fromEntries(rest.records))}; timeouts ${rest.timeouts}, given up ${rest.discarded}`,
    ],
    ['middleware', count(Object.fromEntries(rest.reports))],
    ['faults', `${faults.length}, ${failovers} of them failovers`],
    ['failed reads, writes', `${figures.failedReads.length}, ${figures.failedWrites.length}`],
    [`reads later than DynamoDB + ${BUDGET_MS} ms (+ ${GRACE_MS} of grace)`, figures.lateReads.length],
    ['most that the cache added to a read', `${figures.longestAddedMs.toFixed()} ms`],
    ['longest time without an answer to any read', `${figures.longestOutageMs.toFixed()} ms`],
    [
      'longest convergence',
      `${seconds(Math.max(...faults.map(({ convergedMs = Infinity }) => convergedMs)))} s`,
    ],
    ['furthest behind the table that a value was served', `${seconds(ledger.longestBehindMs)} s`],
    ['own writes read back', `${figures.ownWritesRead}`],
    ['steps back, own writes not read, wrong contents', problemCounts(figures)],
    ['unhandled rejections', rest.unhandled.length],
    ['execution environments', `${rest.environments}, ended by themselves ${rest.ended}`],
    ['compared at the end', `${rest.items} items, ${rest.cached} cached: ${rest.differences.length} differ`],
    ['wrong reads at the end', rest.wrongReads.length],
  ];
  console.log(`\n${rows.map(([name, value]) => `${name.padEnd(58)} ${value}`).join('\n')}`);
}

function problemCounts({ problems }: SoakResult['figures']): string {
  const of = (wanted: string) => problems.filter(({ kind }) => kind === wanted).length;
  return `${of('step back')}, ${of('own write not read')}, ${of('wrong contents')}`;
}

function violationsOf({ figures, ledger, faults, ...rest }: SoakResult): string[] {
  const trailOf = (what: string) =>
    ledger.trail(/\w+\/\d+/.exec(what)?.[0] ?? '').map((line) => `      ${line}`);
  const withTrail = (what: string) => [what, ...trailOf(what)].join('\n');
  return [
    ...some('a read failed', figures.failedReads),
    ...some('a write failed', figures.failedWrites),
    ...some('a read was late', figures.lateReads),
    ...some('unhandled', rest.unhandled),
    ...faults
      .filter(({ convergedMs }) => convergedMs === undefined)
      .map(({ name }) => `not converged after: ${name}`),
    ...some(
      '',
      figures.problems.map(({ kind, what, at }) =>
        withTrail(`${kind} at ${seconds(at - began)} s${after(at, faults)}: ${what}`),
      ),
    ),
    ...some(
      '',
      rest.differences.map(({ name, cached, inTable, guard }) =>
        withTrail(`differs: ${name} is cached as ${cached}, the table has ${inTable}, guard ${guard}`),
      ),
    ),
    ...some('wrong read at the end', rest.wrongReads),
    ...(rest.discarded > 0 ? [`records given up: ${rest.discarded}`] : []),
    ...(rest.ended > 0 ? [`execution environments that ended: ${rest.ended}`] : []),
    ...(isGrowing(faults.map(({ heap }) => heap)) ? ['the heap grows'] : []),
    ...(isGrowing(faults.map(({ functionHeap }) => functionHeap)) ? ["the function's heap grows"] : []),
    ...(isGrowing(
      faults.map(({ connections }) => connections),
      TWO_CLIENTS,
    )
      ? ['connections grow']
      : []),
  ];
}

/** What a violation may have to do with: what went wrong last before it. */
function after(at: number, faults: readonly FaultRecord[]): string {
  const last = faults.findLast((fault) => fault.at <= at);
  return last === undefined ? '' : ` (${seconds(at - last.at)} s after the start of: ${last.name})`;
}

/** The first few of many. */
function some(name: string, all: readonly string[]): string[] {
  const shown = all.slice(0, 5).map((each) => (name === '' ? each : `${name}: ${each}`));
  return all.length > shown.length ? [...shown, `  … and ${all.length - shown.length} more`] : shown;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
