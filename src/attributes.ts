/**
 * One DynamoDB attribute value, in either of its two spellings: a Lambda event carries binary as base64 text,
 * the AWS SDK as bytes. Everything else is the same in both.
 */
export type AttributeValue =
  | { S: string }
  | { N: string }
  | { B: Uint8Array | string }
  | { BOOL: boolean }
  | { NULL: boolean }
  | { M: AttributeMap }
  | { L: AttributeValue[] }
  | { SS: string[] }
  | { NS: string[] }
  | { BS: (Uint8Array | string)[] };

/** Attributes by name: a key, an item or an image. */
export type AttributeMap = { [name: string]: AttributeValue };
