import { Session } from 'node:inspector/promises';
import { findSourceMap } from 'node:module';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the CPU's time went, in microseconds by function and file. Waiting is left out. */
export type Profile = readonly { readonly name: string; readonly file: string; readonly micros: number }[];

/** Runs something under the CPU profiler. */
export async function profile(work: () => Promise<unknown>): Promise<Profile> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();

  const frames = new Map(profile.nodes.map((node) => [node.id, node.callFrame]));
  const spent = new Map<string, { name: string; file: string; micros: number }>();
  profile.samples?.forEach((id, index) => {
    const frame = frames.get(id);
    if (frame === undefined || frame.functionName === '(idle)') return;
    const { functionName: name, url, lineNumber, columnNumber } = frame;
    const file = fileOf(url, lineNumber, columnNumber);
    const key = `${name} ${file}`;
    const entry = spent.get(key) ?? { name: name || '(anonymous)', file, micros: 0 };
    entry.micros += profile.timeDeltas?.[index] ?? 0;
    spent.set(key, entry);
  });
  return [...spent.values()].sort((a, b) => b.micros - a.micros);
}

/** The source file that a function is from, also when it was bundled: `src/key.ts`, `ioredis/built/…`, `node:net`. */
function fileOf(url: string, line: number, column: number): string {
  if (!url.startsWith('file:') && !url.startsWith('/')) return url;
  const path = url.startsWith('file:') ? fileURLToPath(url) : url;
  const entry = findSourceMap(path)?.findEntry(line, column);
  const source = entry && 'originalSource' in entry ? entry.originalSource : path;
  const file = relative(process.cwd(), source.startsWith('file:') ? fileURLToPath(source) : source);
  return file.replace(/^.*node_modules\//, '');
}
