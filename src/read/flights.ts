/**
 * Reads of the table that are under way in one client, by the lease under which they began: whoever has the same
 * lease would read the same, since every change of the item and every local write of it ends a lease.
 */
export interface Flights {
  /** The read that is under way: the stored text of what it found, `undefined` when it came to nothing. */
  get(lease: string): Promise<string | undefined> | undefined;
  start(lease: string): Flight;
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
    get: (lease) => flights.get(lease),
    start(lease) {
      let land = (_text: string | undefined) => {};
      const flight = new Promise<string | undefined>((resolve) => {
        land = resolve;
      });
      flights.set(lease, flight);
      return {
        land,
        end() {
          if (flights.get(lease) === flight) flights.delete(lease);
          land(undefined);
        },
      };
    },
  };
}
