import type { DynamoDBBatchResponse, DynamoDBStreamEvent } from 'aws-lambda';
import {
  LocalEventSourceMapping,
  type LocalEventSourceMappingOptions,
  type LocalReport,
} from '../../src/local/index.js';
import { createScriptedStream, type ScriptedStream, sequenceNumber } from '../support/scripted-stream.js';
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.js';

/** A mapping between a scripted stream and a scripted function, with a clock that stands still unless told. */
export interface Rig {
  readonly stream: ScriptedStream;
  readonly clock: VirtualClock;
  readonly mapping: LocalEventSourceMapping;
  /** The batches in the order they were delivered, each like `x1 y2`: item and number of each record. */
  readonly delivered: string[];
  readonly reports: LocalReport[];
  start(): Promise<void>;
  drained(): Promise<void>;
  stop(): Promise<void>;
}

/** What the function does with a batch: `names` are its records, `times` how often this very batch has come. */
export type Behaviour = (names: string[], times: number) => unknown;

export function createRig(
  options: Partial<LocalEventSourceMappingOptions> = {},
  behave: Behaviour = () => {},
  stream = createScriptedStream('a'),
): Rig {
  const clock = createVirtualClock();
  const delivered: string[] = [];
  const reports: LocalReport[] = [];
  const mapping = new LocalEventSourceMapping({
    source: stream.source,
    clock,
    onReport: (report) => reports.push(report),
    async handler(event) {
      const names = namesOf(event);
      delivered.push(names.join(' '));
      const times = delivered.filter((batch) => batch === names.join(' ')).length;
      return (await behave(names, times)) as DynamoDBBatchResponse | undefined;
    },
    ...options,
  });
  return {
    ...{ stream, clock, mapping, delivered, reports },
    start: () => clock.run(mapping.start()),
    drained: () => clock.run(mapping.drained()),
    stop: () => clock.run(mapping.stop()),
  };
}

/** A function's report that the records with these numbers failed. */
export function failing(...numbers: number[]): DynamoDBBatchResponse {
  return { batchItemFailures: numbers.map((number) => ({ itemIdentifier: sequenceNumber(number) })) };
}

export function fail(): never {
  throw new Error('scripted failure');
}

function namesOf(event: DynamoDBStreamEvent): string[] {
  return event.Records.map(({ dynamodb }) => `${dynamodb?.Keys?.id?.S}${Number(dynamodb?.SequenceNumber)}`);
}
