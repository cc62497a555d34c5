import type { Context } from 'aws-lambda';
import { recordOf } from '../../proof/simulation/mapping.js';
import {
  type Change,
  type Input,
  imageOf,
  nameOf,
  newTable,
  type Output,
  TABLE,
} from '../../proof/simulation/table.js';
import { type World, worldIn } from '../../proof/simulation/world.js';
import { ITEM, type LaneView, newLanes } from './lanes.js';
import type { Act, Settings, Story } from './stories.js';
import { FAIR } from './weather.js';

/** How much of the past is to be seen. */
export const WINDOW_MS = 30_000;
/** The caches are looked at so often, whatever is on the screen: the same story always shows the same. */
const LOOK_MS = 50;
/** What an invocation takes at least. */
const INVOCATION_MS = 1_000;

/** A record on its way. */
export interface Travelling {
  readonly value: string;
  /** 0 when it was just made, 1 when it is due. */
  readonly way: number;
}

export interface View {
  /** Milliseconds since the story began. */
  readonly at: number;
  readonly isOver: boolean;
  readonly settings: Settings;
  readonly table: { readonly value: string; readonly shown: readonly { from: number; value: string }[] };
  readonly stream: readonly Travelling[];
  readonly lanes: readonly LaneView[];
  /** What happened, the newest last. */
  readonly told: readonly string[];
}

export interface Stage {
  /** Lets time pass, up to a moment since the beginning. */
  playTo(at: number): Promise<void>;
  act(act: Act): void;
  view(): View;
}

/**
 * One item in a table, its stream, and caches side by side: the simulated world of `npm run proof`, with the handler and the
 * middleware as they are. Everything goes by virtual time and the seed's chance.
 */
export async function openStage(story: Story, seed: number): Promise<Stage> {
  const world = worldIn(FAIR, seed);
  const { time } = world;
  const table = newTable(world, [ITEM]);
  const history = table.items.get(ITEM) as NonNullable<ReturnType<typeof table.items.get>>;
  const lanes = newLanes(world, table, send);
  const { lagMs = 1_000, answerMs = 10, isDown = false, isReading = true, isWriting = false } = story;
  let settings: Settings = { lagMs, answerMs, isDown, isReading, isWriting };
  let told: string[] = [];
  let delivered = 0;
  /** The writes of the application, each of which all clients carry and the table gets once. */
  const ownWrites = new Map<string, Promise<Output>>();

  await livePast(world, story, () => {
    write();
    return deliverNext();
  });
  const beginning = time.now();
  void stream();
  void readAgainAndAgain();
  void writeNowAndThen();
  void playActs();

  function tell(line: string): void {
    told = [...told.slice(-6), `${((time.now() - beginning) / 1000).toFixed(1)} s: ${line}`];
  }

  async function send(command: string, input: Input): Promise<Output> {
    const { answerMs } = settings;
    if (input.Item !== undefined) {
      const name = nameOf(input.Item);
      const written = ownWrites.get(name) ?? table.send(command, input);
      ownWrites.set(name, written);
      return written;
    }
    const output = await table.send(command, input);
    await time.sleep(answerMs);
    return output;
  }

  function write(): void {
    table.write(ITEM, imageOf(history, ITEM));
  }

  async function deliver(change: Change): Promise<void> {
    const end = time.now() + 10_000;
    const context = { getRemainingTimeInMillis: () => end - time.now() } as Context;
    const event = { Records: [recordOf(change, 0)] };
    for (const lane of lanes) lane.tellOf(change);
    await Promise.all(lanes.map(({ handler }) => handler?.(event, context)));
  }

  function deliverNext(): Promise<void> {
    const change = table.changes[delivered] as Change;
    delivered += 1;
    return deliver(change);
  }

  async function stream(): Promise<void> {
    while (true) {
      const change = table.changes[delivered];
      if (change === undefined || settings.isDown || change.committedAt + settings.lagMs > time.now()) {
        await time.sleep(LOOK_MS / 2);
        continue;
      }
      tell(`the stream delivers ${nameOf(change.newImage)}`);
      await Promise.all([deliverNext(), time.sleep(INVOCATION_MS)]);
    }
  }

  async function replay(): Promise<void> {
    for (const change of table.changes.slice(0, -1).slice(-3)) {
      tell(`${nameOf(change.newImage)} is delivered again`);
      await Promise.all([deliver(change), time.sleep(INVOCATION_MS)]);
    }
  }

  async function readAgainAndAgain(): Promise<void> {
    const random = world.random('reads');
    while (true) {
      await time.sleep(random.between(150, 450));
      if (settings.isReading) read();
    }
  }

  async function writeNowAndThen(): Promise<void> {
    const random = world.random('writes');
    while (true) {
      await time.sleep(random.between(3_000, 9_000));
      if (settings.isWriting) act({ type: 'write' });
    }
  }

  async function playActs(): Promise<void> {
    for (const [at, next] of story.acts) {
      await time.sleep(beginning + at - time.now());
      act(next);
    }
  }

  function read(): void {
    for (const { process } of lanes) void process.get(ITEM);
  }

  function writeThroughClients(): void {
    const input = { TableName: TABLE, Item: imageOf(history, ITEM) };
    for (const { process } of lanes) void process.write('PutItemCommand', input, [ITEM]);
    tell(`the application writes ${nameOf(input.Item)}`);
  }

  const acts: { [type in Act['type']]: (act: Extract<Act, { type: type }>) => void } = {
    write() {
      write();
      tell(`somebody else writes ${nameOf(history.latest.image)}`);
    },
    ownWrite: writeThroughClients,
    read,
    replay: () => void replay(),
    set({ type: _, ...changed }) {
      if (changed.isDown !== undefined) tell(changed.isDown ? 'the function is down' : 'the function is up');
      settings = { ...settings, ...changed };
    },
  };

  function act(next: Act): void {
    acts[next.type](next as never);
  }

  return {
    async playTo(at) {
      while (time.now() + LOOK_MS <= beginning + at) {
        await time.runUntil(time.now() + LOOK_MS);
        for (const lane of lanes) lane.look(LOOK_MS);
      }
    },
    act,
    view() {
      const at = time.now() - beginning;
      const since = time.now() - WINDOW_MS;
      const sinceBeginning = <T extends { from: number }>(shown: T) => ({
        ...shown,
        from: shown.from - beginning,
      });
      return {
        at,
        isOver: at >= story.endsAt,
        settings,
        table: {
          value: nameOf(history.latest.image),
          shown: history.states
            .filter(({ until }) => until > since)
            .map(({ from, image }) => sinceBeginning({ from, value: nameOf(image) })),
        },
        stream: table.changes.slice(delivered).map(({ committedAt, newImage }) => ({
          value: nameOf(newImage),
          way: Math.min(1, (time.now() - committedAt) / Math.max(1, settings.lagMs)),
        })),
        lanes: lanes.map((lane) => {
          const view = lane.view(since);
          return { ...view, shown: view.shown.map(sinceBeginning) };
        }),
        told,
      };
    },
  };
}

/** What was before the story begins: long ago, so that no guard and no short TTL is left of it. */
async function livePast({ time }: World, { past }: Story, change: () => Promise<void>): Promise<void> {
  const beginning = time.now() + Math.max(...past);
  const lived = (async () => {
    for (const ago of past) {
      await time.sleep(beginning - ago - time.now());
      await change();
    }
  })();
  await time.run(lived);
  await time.runUntil(beginning);
}
