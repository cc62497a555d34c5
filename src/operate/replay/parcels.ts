/** What Lambda gave up at one time, wherever it put it. */
export interface Parcel {
  /** Its file, object or message. */
  readonly name: string;
  /** Its text. */
  read(): Promise<string>;
  /** Takes it away for good. */
  remove(): Promise<void>;
}

/** A place that parcels are in. */
export interface Parcels {
  /** Those behind a name, in the order of their names; a queue has no order, and no names that last. */
  list(after?: string): AsyncIterable<Parcel>;
  /** Gives back what it holds. */
  close(): Promise<void>;
}
