import type { AttributeMap } from '../../src/attributes.js';
import type { Line } from './line.js';
import type { Handler } from './mapping.js';
import type { Input, Output } from './table.js';
import type { World } from './world.js';

/** A way to cache the table, under test. */
export interface System {
  /** The stream's Lambda function, where it has one. */
  readonly handler: Handler | undefined;
  /** The SDK client of one process of the application. */
  newClient(): Client;
  /** What is cached of an item: an image, `null` for one known to be absent, `undefined` when nothing is. */
  cached(sk: string): AttributeMap | null | undefined;
  /** The cache loses one of its values. */
  evict(sk: string): void;
  /** The cache loses all that it has. */
  clear(): void;
}

export interface Client {
  /** Calls an operation. What the cache does not answer goes on to `next`. */
  send(command: string, input: Input, next: Next): Promise<Output>;
  /** How many of its writes the cache did not confirm to have forgotten. */
  readonly unconfirmedWrites: number;
}

export type Next = (command: string, input: Input) => Promise<Output>;

export type NewSystem = (world: World, line: Line) => System;
