import { ConfigError } from '../errors.js';
import type { Stack } from '../read/stack.js';

/** A class of SDK clients. */
export interface ClientClass {
  readonly prototype: ClientPrototype;
}

interface ClientPrototype {
  send?: Send;
}

interface Client {
  /** What stands in for a client in a test may have none. */
  readonly middlewareStack?: Stack;
}

// biome-ignore lint/suspicious/noExplicitAny: each class has commands of its own
type Send = (this: any, ...parameters: any[]) => any;

/**
 * Puts the middleware onto the stack of a client that is about to make a call, unless there is one.
 *
 * @throws ConfigError where the call is to fail
 */
export type Attach = (stack: Stack) => void;

/** On a `send` of ours, whichever copy of this package it is from. */
const MARK = Symbol.for('dynamodb-stream-cache:send');

/**
 * Attaches the middleware before each call of all clients of a class, its subclasses included. Paginators, waiters and methods such as
 * `getItem` call `send` too. A document client is of a class of its own.
 */
export function attachBeforeCalls({ prototype }: ClientClass, attach: Attach): void {
  const own = Object.getOwnPropertyDescriptor(prototype, 'send')?.value as Send | undefined;
  if (own !== undefined && MARK in own) return;

  function send(this: Client, ...parameters: unknown[]): unknown {
    // What is inherited is asked for at each call: tracing libraries take its place at any time.
    const next = own ?? (Object.getPrototypeOf(prototype) as ClientPrototype).send;
    try {
      if (this.middlewareStack !== undefined) attach(this.middlewareStack);
      return next?.apply(this, parameters);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      const callback = parameters.find((each) => typeof each === 'function');
      return callback === undefined ? Promise.reject(error) : callback(error);
    }
  }
  // As a method is: neither enumerable nor fixed, for those who stub it.
  const value = Object.assign(send, { [MARK]: true });
  Object.defineProperty(prototype, 'send', { value, writable: true, configurable: true });
}
