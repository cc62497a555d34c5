import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { CommandError } from './command-error.js';

export interface EventFile {
  readonly file: string;
  readonly event: DynamoDBStreamEvent;
}

/**
 * The events of files, and of folders: their `*.json`, in the order of their names. All are read before any is used.
 * A file may also be what Lambda left in an on-failure bucket.
 *
 * @throws CommandError when one is not there, is not JSON or has no Records
 */
export async function readEventFiles(paths: readonly string[]): Promise<EventFile[]> {
  const files = await Promise.all(paths.map(filesAt));
  return Promise.all(files.flat().map(readEventFile));
}

async function filesAt(path: string): Promise<string[]> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    const why = cause.code === 'ENOENT' ? 'there is no such file or folder' : `the system says ${cause.code}`;
    throw unusable(path, `${why}. Give a JSON file, or a folder of them`, cause);
  });
  if (!found.isDirectory()) return [path];

  const names = (await readdir(path)).filter((name) => name.endsWith('.json')).sort();
  if (names.length === 0) throw unusable(path, 'the folder has no *.json. Name the files themselves');
  return names.map((name) => join(path, name));
}

async function readEventFile(file: string): Promise<EventFile> {
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw unusable(file, `the system says ${cause.code}. Give a JSON file that you may read`, cause);
  });
  let event: unknown;
  try {
    event = JSON.parse(text);
    if (isInvocationRecord(event)) event = JSON.parse(event.payload);
  } catch (cause) {
    const { message } = cause as SyntaxError;
    throw unusable(file, `it is not JSON: ${message}. Give an event as Lambda delivers it`, cause);
  }
  if (!isStreamEvent(event)) {
    throw unusable(file, 'it is not a stream event: it has no Records. Give an event as Lambda delivers it');
  }
  return { file, event };
}

/** What Lambda puts into a bucket when it gives up on records: the event is in it, as text. */
function isInvocationRecord(value: unknown): value is { readonly payload: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'DDBStreamBatchInfo' in value &&
    typeof (value as { payload?: unknown }).payload === 'string'
  );
}

/** The records themselves are the handler's to check. */
function isStreamEvent(event: unknown): event is DynamoDBStreamEvent {
  return (
    typeof event === 'object' && event !== null && Array.isArray((event as { Records?: unknown }).Records)
  );
}

function unusable(path: string, why: string, cause?: unknown): CommandError {
  return new CommandError(`stream-cache invoke: cannot use ${path}: ${why}.`, { cause });
}
