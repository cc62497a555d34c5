import { groupBy } from '../group-by.js';
import type { Invocation } from './invocation.js';
import type { Style } from './terminal.js';
import { count } from './text.js';

/** What a table of outcomes leaves open: why. */
export interface Note {
  readonly style: Style;
  readonly text: string;
}

export function notesOn(
  { records, size, invalidatesOnly }: Invocation,
  shorten: (sequenceNumber: string) => string,
): Note[] {
  const failed = groupBy(
    records.filter(({ outcome }) => outcome === 'failed'),
    ({ error }) => error?.message ?? 'no reason was given.',
  );
  const failures = [...failed].map(([why, { length }]) => error(`${count(length, 'record')} failed: ${why}`));

  const poison = records.flatMap((record) =>
    record.poison === undefined
      ? []
      : [
          warning(
            `${shorten(record.sequenceNumber)} is poison, what can be deleted is: ${record.poison.message}`,
          ),
        ],
  );

  const obstacles = invalidatesOnly.map(({ tableName, reason }) =>
    warning(`records of ${tableName} can only delete their keys: ${OBSTACLES[reason]}.`),
  );

  const unreported = size - records.length;
  const silence =
    unreported === 0
      ? []
      : [
          warning(
            `nothing was reported of ${count(unreported, 'record')}: is the handler made by this package?`,
          ),
        ];

  return [...failures, ...poison, ...obstacles, ...silence];
}

const OBSTACLES: Readonly<Record<Invocation['invalidatesOnly'][number]['reason'], string>> = {
  'no-new-image': "the stream's view type leaves the new image out",
  'unknown-event-name': 'an eventName is neither INSERT, MODIFY nor REMOVE',
  'unusable-time': 'their ApproximateCreationDateTime is missing, no time, or in the future',
  'no-order': 'a Kinesis data stream keeps no order of them',
};

function error(text: string): Note {
  return { style: 'red', text };
}

function warning(text: string): Note {
  return { style: 'yellow', text };
}
