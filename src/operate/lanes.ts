/** One of the sources that a long run goes through side by side: a server's names, a segment of a table. */
export interface Lane<T> {
  /** Its name in the state of a run, by which a later run finds it again. */
  readonly name: string;
  /** Its portions, each with the place behind it. @param after the place behind which to go on; default: from the start */
  portions(after?: string): AsyncIterable<Placed<T>>;
}

export interface Placed<T> {
  readonly portion: T;
  readonly place: string;
}

/** How far each lane is, by its name: the place behind what is done, or `true` when all of it is. */
export type Places = Record<string, string | true>;

/** No run of these lanes can go on from those places: they are of others. */
export class PlacesError extends Error {
  override readonly name = 'PlacesError';
}

/**
 * Works through lanes side by side, each portion after the one before it.
 *
 * @param places how far they are; kept up to date, after each portion
 * @param signal no further portion is begun once it is aborted
 * @throws PlacesError, and what `work` throws, once the portions in hand are done
 */
export async function runLanes<T>(
  lanes: readonly Lane<T>[],
  places: Places,
  work: (portion: T) => Promise<void>,
  { signal, onPlace = () => {} }: { signal?: AbortSignal | undefined; onPlace?: (() => void) | undefined },
): Promise<void> {
  const names = new Set(lanes.map(({ name }) => name));
  const strange = Object.keys(places).find((name) => !names.has(name));
  if (strange !== undefined) {
    throw new PlacesError(
      `It was begun on other servers or with other options: there is no ${strange} now. Begin anew.`,
    );
  }
  const failed = new AbortController();
  const isOver = () => signal?.aborted === true || failed.signal.aborted;

  const run = async ({ name, portions }: Lane<T>) => {
    const done = places[name];
    if (done === true) return;
    for await (const { portion, place } of portions(done)) {
      if (isOver()) return;
      await work(portion);
      places[name] = place;
      onPlace();
    }
    places[name] = true;
    onPlace();
  };

  const ends = await Promise.allSettled(
    lanes.map((lane) =>
      run(lane).catch((thrown) => {
        failed.abort();
        throw thrown;
      }),
    ),
  );
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
