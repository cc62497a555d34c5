/** Reads of the table that are under way in this process, by the key of the item they read. */
export interface Flights {
  /** The read that is under way: the stored text of what it found, `undefined` when it came to nothing. */
  get(key: string): Promise<string | undefined> | undefined;
  start(key: string): Flight;
  /** What is read for this key now may be older than a write that is done: nobody else may wait for it. */
  forget(key: string): void;
}

export interface Flight {
  /** Tells those who wait what was found. */
  land(text: string | undefined): void;
  /** Nobody needs to wait any more: what was found is cached, or cannot be. */
  end(): void;
}

export function newFlights(): Flights {
  const flights = new Map<string, Promise<string | undefined>>();
  return {
    get: (key) => flights.get(key),
    start(key) {
      let land = (_text: string | undefined) => {};
      const flight = new Promise<string | undefined>((resolve) => {
        land = resolve;
      });
      flights.set(key, flight);
      return {
        land,
        end() {
          if (flights.get(key) === flight) flights.delete(key);
          land(undefined);
        },
      };
    },
    forget(key) {
      flights.delete(key);
    },
  };
}
