import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DynamoDBStreamEvent } from 'aws-lambda';
import { EventError } from '../errors.js';
import { recordsIn } from '../stream/records.js';
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

/** @throws SyntaxError of the whole, when its lines are no documents either */
function parseDocuments(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    try {
      if (lines.length > 1) return lines.map((line) => JSON.parse(line));
    } catch {
      // What is wrong with the whole says more than that its first line is no document.
    }
    throw error;
  }
}

/** The events of a document. What is wrong with a record is the handler's to say. */
function eventsIn(document: unknown, file: string): DynamoDBStreamEvent[] {
  if (Array.isArray(document) && document.some(isEvent)) {
    return document.flatMap((each) => eventsIn(each, file));
  }
  if (isInvocationRecord(document)) {
    if (typeof document.payload === 'string') return eventsIn(parsePayload(document.payload, file), file);
    throw unusable(file, NO_PAYLOAD);
  }
  try {
    const { records } = recordsIn(document);
    if (records.some(isQueuedInvocationRecord)) throw unusable(file, NO_PAYLOAD);
    return [{ Records: records }];
  } catch (thrown) {
    if (!(thrown instanceof EventError)) throw thrown;
    throw unusable(file, 'it is not a stream event: it has no Records. Give an event as Lambda delivers it');
  }
}

const NO_PAYLOAD =
  'it is what Lambda tells a queue or topic of records that it gave up: where they are in the stream (DDBStreamBatchInfo), and not the records. An on-failure destination that is a bucket gets them too';

/** What has records of its own, unlike a record. */
function isEvent(value: unknown): boolean {
  return isInvocationRecord(value) || Array.isArray((value as { Records?: unknown } | null)?.Records);
}

/** What Lambda tells an on-failure destination; for a bucket the event is in it, as text. */
function isInvocationRecord(value: unknown): value is { readonly payload?: unknown } {
  return typeof value === 'object' && value !== null && 'DDBStreamBatchInfo' in value;
}

function isQueuedInvocationRecord(record: unknown): boolean {
  const { dynamodb } = (record ?? {}) as { dynamodb?: unknown };
  return dynamodb === undefined && String(JSON.stringify(record)).includes('DDBStreamBatchInfo');
}

function parsePayload(payload: string, file: string): unknown {
  try {
    return JSON.parse(payload);
  } catch (cause) {
    throw unusable(
      file,
      `its payload is not JSON: ${(cause as SyntaxError).message}. Take the object as it was`,
      cause,
    );
  }
}

function unusable(path: string, why: string, cause?: unknown): CommandError {
  return new CommandError(`stream-cache invoke: cannot use ${path}: ${why}.`, { cause });
}
