import type { AttributeMap } from './attributes.js';

/** One checked record of a DynamoDB stream. */
export interface StreamRecord {
  readonly tableName: string;
  /** `INSERT`, `MODIFY` or `REMOVE`; anything else only invalidates. */
  readonly eventName: string;
  /** The item's key, in the form in which Lambda delivers it. */
  readonly keys: AttributeMap;
  /** The item after the change; absent for `REMOVE` and where the stream's view type leaves it out. */
  readonly newImage?: AttributeMap | undefined;
  /** The item before the change; absent for `INSERT` and where the stream's view type leaves it out. */
  readonly oldImage?: AttributeMap | undefined;
  /** Its number in the table's stream; of a record of a Kinesis data stream its number there. */
  readonly sequenceNumber: string;
  /**
   * Compares as text with the versions of every other record of the item; see `versionOf`. Empty for a record of a
   * Kinesis data stream, which has no order: it only deletes.
   */
  readonly version: string;
  /** `ApproximateCreationDateTime` in milliseconds since the epoch; 0 when the record has none that can be. */
  readonly at: number;
  /** DynamoDB deleted the item because its time to live was over. */
  readonly expired: boolean;
}
