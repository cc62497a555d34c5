import calculateSlot from 'cluster-key-slot';
import type { CallOptions, Settled } from '../store.js';
import type { Script } from './script.js';

/** How commands reach the servers: one for each kind of client. */
export interface Wire {
  /** Sends the commands of some items. Gives what was answered of each item, in their order; never rejects. */
  send(work: Work, options: CallOptions): Promise<Settled<unknown>[]>;
  /** Ends the connections that are its own. It opens them again when used. */
  close(): Promise<void>;
}

/** One command on the wire. All its keys are in one cluster slot, or of one node where it is sent as such; see cross-slot.ts. */
export interface Call {
  /** Positions of its items in what was asked. */
  readonly positions: readonly number[];
  readonly keys: readonly string[];
  readonly args: readonly string[];
  readonly command: Script | 'get' | 'unlink';
}

/** Items to send, by their positions, and how commands are made of them. */
export interface Work {
  readonly count: number;
  readonly command: Call['command'];
  /** The key that tells the cluster slot of an item. */
  keyAt(position: number): string;
  /** The commands for some items, each made when it is asked for: those of one slot together, where slots are told, else all. */
  calls(positions: Iterable<number>, slots?: Uint16Array): IterableIterator<Call>;
}

/** A command as the server takes it, and its name first. */
export function wireForm({ command, keys, args }: Call): [name: string, ...args: string[]] {
  if (command === 'get' && keys.length > 1) return ['mget', ...keys];
  if (typeof command === 'string') return [command, ...keys, ...args];
  return ['evalsha', command.sha, String(keys.length), ...keys, ...args];
}

/** The same with the text of its script, for a server that does not know it yet. */
function textForm(script: Script, { keys, args }: Call): [name: string, ...args: string[]] {
  return ['eval', script.text, String(keys.length), ...keys, ...args];
}

/** The positions of all items. */
export function positionsIn({ count }: Work): number[] {
  return Array.from({ length: count }, (_, position) => position);
}

/** The cluster slot of each item. */
export function slotsIn(work: Work): Uint16Array {
  return Uint16Array.from(positionsIn(work), (position) => calculateSlot(work.keyAt(position)));
}

/** Sorts positions so that items of one slot are neighbours, and can go in one command. */
export function bySlot(positions: number[], slots: Uint16Array): number[] {
  return positions.sort((one, other) => (slots[one] as number) - (slots[other] as number));
}

/**
 * What an error of the server comes to for one command: somebody else's key holds no value of ours, a script that it does not
 * know is sent in full, and all else is a failure.
 */
export async function afterError(
  call: Call,
  { message }: Error,
  failure: () => Error,
  sendForm: (form: [name: string, ...args: string[]]) => Promise<unknown>,
): Promise<unknown> {
  if (message.startsWith('WRONGTYPE')) return null;
  if (!/^NOSCRIPT|\bNoScriptError\b/.test(message) || typeof call.command === 'string') return failure();
  return sendForm(textForm(call.command, call));
}

/** An error's message without the arguments that Redis quotes of a command that it does not know: they hold items. */
export function withoutArguments({ message }: Error): string {
  return message.replace(/,? with args beginning with:.*$|[.\s]+$/s, '');
}
