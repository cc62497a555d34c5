import { type LocalEventSourceMappingOptions, readOptions, type Settings } from './options.js';
import { StreamError } from './stream-error.js';
import { type Checkpoints, pollStream, type StreamPoller } from './stream-poller.js';

/**
 * Reads a DynamoDB stream, of DynamoDB Local or of AWS, and invokes a function with its records by the rules of
 * Lambda's event source mapping: order, batches, checkpoints, retries, bisecting, record age, on-failure destination.
 *
 * @example
 * ```ts
 * const mapping = new LocalEventSourceMapping({ endpoint: 'http://127.0.0.1:8000', tableName: 'users', handler });
 * await mapping.start();
 * await client.send(new PutItemCommand({ TableName: 'users', Item: { id: { S: '1' } } }));
 * await mapping.drained(); // the handler has dealt with it
 * await mapping.stop();
 * ```
 */
export class LocalEventSourceMapping {
  readonly #settings: Settings;
  #running: Promise<StreamPoller> | undefined;
  #stopping: Promise<void> | undefined;
  #checkpoints: Checkpoints | undefined;

  /** @throws ConfigError when an option is unknown, missing, out of its range or contradicts another */
  constructor(options: LocalEventSourceMappingOptions) {
    this.#settings = readOptions(options);
  }

  /**
   * Begins to read the stream; resolves when every record that is written from then on is going to be delivered.
   * After a `stop()` it goes on from the checkpoint, as an event source mapping does that was disabled and enabled.
   *
   * @throws StreamError when the table has no stream, or the stream cannot be read; its cause is the SDK's own error
   */
  async start(): Promise<void> {
    await this.#stopping;
    this.#running ??= pollStream(this.#settings, this.#checkpoints);
    try {
      await this.#running;
    } catch (error) {
      this.#running = undefined;
      throw error;
    }
  }

  /**
   * Resolves when everything that was in the stream before the call has been processed or given up. DynamoDB Local
   * has a change in its stream once the write is answered; AWS takes some 0.2 seconds, which this does not wait for.
   * A batching window and the pauses between retries take their time.
   *
   * @throws StreamError when the stream cannot be read, or the mapping is not running or stopped meanwhile
   */
  async drained(): Promise<void> {
    if (!this.#running) throw new StreamError('drained() needs a running mapping: call start() first.');
    await (await this.#running).drained();
  }

  /** Resolves when the running invocation has ended and no timer or connection is left. Does nothing before a start. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#end().finally(() => {
      this.#stopping = undefined;
    });
    await this.#stopping;
  }

  async #end(): Promise<void> {
    // Whoever called start() hears of its failure; then there is nothing to stop.
    const poller = await this.#running?.catch(() => undefined);
    if (poller) this.#checkpoints = await poller.stop();
    this.#running = undefined;
  }
}
