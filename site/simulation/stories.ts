/** Something that happens on the stage, by a story or by who plays with it. */
export type Act =
  /** Somebody else writes the item: a console, a script, another service. */
  | { readonly type: 'write' }
  /** The application writes it, through the client that has the cache in it. */
  | { readonly type: 'ownWrite' }
  /** The application reads it once, through every cache. */
  | { readonly type: 'read' }
  /** Records that were delivered before are delivered once more: up to three of those before the newest. */
  | { readonly type: 'replay' }
  | ({ readonly type: 'set' } & Partial<Settings>);

export interface Settings {
  /** How long after a change the stream delivers its record, milliseconds. */
  readonly lagMs: number;
  /** How long DynamoDB's answer to a read is on its way, milliseconds. */
  readonly answerMs: number;
  /** Nothing is delivered: the function is down. */
  readonly isDown: boolean;
  /** The application reads several times a second. */
  readonly isReading: boolean;
  /** Somebody else writes every few seconds. */
  readonly isWriting: boolean;
}

export interface Story extends Partial<Settings> {
  readonly id: string;
  readonly title: string;
  readonly text: string;
  /** Changes that were made, and delivered, so long before it begins, milliseconds. */
  readonly past: readonly number[];
  /** What happens, and when, milliseconds from its beginning. */
  readonly acts: readonly (readonly [at: number, act: Act])[];
  /** When there is nothing left to see; it can be played on. */
  readonly endsAt: number;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** In each but the first `SET` shows an old value, and the pair never does. */
export const STORIES: readonly Story[] = [
  {
    id: 'free',
    title: 'A day like any other',
    text: 'Somebody else writes now and then. Whatever the stream feeds is behind by its lag; what it does not feed, until its TTL ends.',
    isWriting: true,
    past: [60 * SECOND],
    acts: [],
    endsAt: 120 * SECOND,
  },
  {
    id: 'late',
    title: 'A late record',
    text: 'The function is down while the item changes three times. Readers have stored what it has become when, after more than a minute, the function catches up.',
    isDown: true,
    isReading: false,
    past: [HOUR],
    acts: [
      [2 * SECOND, { type: 'write' }],
      [6 * SECOND, { type: 'write' }],
      [12 * SECOND, { type: 'write' }],
      [60 * SECOND, { type: 'set', isReading: true }],
      [80 * SECOND, { type: 'set', isDown: false, lagMs: 500 }],
    ],
    endsAt: 90 * SECOND,
  },
  {
    id: 'replay',
    title: 'A replay, hours old',
    text: 'Lambda gave up on records hours ago. Now they are delivered again from where it left them, long after what came later.',
    past: [3 * HOUR, 2.5 * HOUR, 2 * HOUR, HOUR],
    acts: [[6 * SECOND, { type: 'replay' }]],
    endsAt: 20 * SECOND,
  },
  {
    id: 'overlap',
    title: 'A read that overlaps a write',
    text: 'A reader misses and reads the table. Before the answer is back the item changes, and the stream says so. Then the reader stores what it read.',
    isReading: false,
    lagMs: 300,
    past: [2 * HOUR],
    acts: [
      [1 * SECOND, { type: 'set', answerMs: 3_000 }],
      [2 * SECOND, { type: 'read' }],
      [2.2 * SECOND, { type: 'set', answerMs: 10 }],
      [3 * SECOND, { type: 'write' }],
      [6 * SECOND, { type: 'set', isReading: true }],
    ],
    endsAt: 20 * SECOND,
  },
  {
    id: 'own-write',
    title: 'Its own write, then a read',
    text: 'The application writes through its client and reads right away, while the stream is four seconds behind.',
    lagMs: 4 * SECOND,
    past: [2 * HOUR],
    acts: [
      [5 * SECOND, { type: 'ownWrite' }],
      [5.1 * SECOND, { type: 'read' }],
      [13 * SECOND, { type: 'ownWrite' }],
      [13.1 * SECOND, { type: 'read' }],
    ],
    endsAt: 20 * SECOND,
  },
];

export const FIRST = STORIES[0] as Story;

export function storyOf(id: string | null): Story {
  return STORIES.find((story) => story.id === id) ?? FIRST;
}
