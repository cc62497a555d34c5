import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { toError } from '../errors.js';
import { type Batch, batchesIn, isPlace, parseDocuments } from '../operate/replay/batches-in.js';
import { CommandError } from './command-error.js';

export interface EventFile {
  /** The file's name, and the place in it where it has several events. */
  readonly file: string;
  readonly event: DynamoDBStreamEvent;
}

/**
 * The events of files, and of folders: their `*.json`, in the order of their names. All are read before any is used.
 * A file has one JSON document or one in each line: an event, a list of events or of records, one record, or what Lambda
 * left in an on-failure bucket.
 *
 * @throws CommandError when one is not there, is not JSON or has no records
 */
export async function readEventFiles(paths: readonly string[]): Promise<EventFile[]> {
  const files = await Promise.all(paths.map(filesAt));
  return (await Promise.all(files.flat().map(readEventFile))).flat();
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

async function readEventFile(file: string): Promise<EventFile[]> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    throw unusable(file, `the system says ${cause.code}. Give a JSON file that you may read`, cause);
  });
  let documents: unknown[];
  try {
    documents = parseDocuments(textOf(bytes));
  } catch (cause) {
    const { message } = cause as SyntaxError;
    throw unusable(file, `it is not JSON: ${message}. Give an event as Lambda delivers it`, cause);
  }
  const events = documents.flatMap((document) => eventsIn(document, file));
  return events.map((event, index) => ({
    file: events.length === 1 ? file : `${file} (${index + 1} of ${events.length})`,
    event,
  }));
}

/** UTF-8, or UTF-16 where its mark says so, as Windows' shells write it; without the mark. */
function textOf(bytes: Uint8Array): string {
  const [first, second] = bytes;
  const isUtf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  return new TextDecoder(isUtf16 ? (first === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes);
}

/** The events of a document. What is wrong with a record is the handler's to say. */
function eventsIn(document: unknown, file: string): DynamoDBStreamEvent[] {
  let batches: Batch[];
  try {
    batches = batchesIn(document);
  } catch (cause) {
    const { message } = toError(cause);
    const why = message.startsWith('Its payload') ? `its payload${message.slice(11, -1)}` : NO_EVENT;
    throw unusable(file, why, cause);
  }
  return batches.map((batch) => {
    if (isPlace(batch)) throw unusable(file, NO_PAYLOAD);
    return batch;
  });
}

const NO_EVENT = 'it is not a stream event: it has no Records. Give an event as Lambda delivers it';
const NO_PAYLOAD =
  'it is what Lambda tells a queue or topic of records that it gave up: where they are in the stream (DDBStreamBatchInfo), and not the records. stream-cache replay reads them from the stream';

function unusable(path: string, why: string, cause?: unknown): CommandError {
  return new CommandError(`stream-cache invoke: cannot use ${path}: ${why}.`, { cause });
}
