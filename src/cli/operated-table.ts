import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Logger } from '@smithy/types';
import type { Table } from '../operate/table.js';
import { CommandError } from './command-error.js';

interface Named {
  readonly table: string;
  readonly endpoint?: string | undefined;
  readonly rcu?: number | undefined;
}

/**
 * The table that an operator's command is about, with the credentials and the Region that the SDK finds. Only this needs the optional
 * `@aws-sdk/client-dynamodb`.
 *
 * @throws CommandError when that is not installed
 */
export async function openOperatedTable(command: string, { table, endpoint, rcu }: Named): Promise<Table> {
  const client = await openDynamoDB(command, endpoint);
  const { openTable } = await import('../operate/table.js');
  return openTable({ client, tableName: table, rcu });
}

/** @throws CommandError when the client is not installed */
export async function openDynamoDB(command: string, endpoint: string | undefined): Promise<DynamoDBClient> {
  if (endpoint !== undefined && !/^https?:\/\/[^/]/.test(endpoint)) {
    throw new CommandError(
      `stream-cache ${command}: ${JSON.stringify(endpoint)} is no endpoint. Give a URL such as http://127.0.0.1:8000.`,
    );
  }
  const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb').catch((cause) => {
    throw new CommandError(`stream-cache ${command}: this needs @aws-sdk/client-dynamodb. Install it.`, {
      cause,
    });
  });
  // What the SDK would tell a logger of each answer it makes ready even for one that ignores it, in a tenth of a Scan's time. Not for one
  // that has no such level.
  const nothing = () => {};
  const logger = { debug: nothing, warn: nothing, error: nothing, trace: nothing } as unknown as Logger;
  return new DynamoDBClient({ logger, ...(endpoint !== undefined && localConfig(endpoint)) });
}

/** A DynamoDB Local takes any Region and credentials, but the SDK does not send a request without. */
function localConfig(endpoint: string) {
  const { AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_DEFAULT_REGION } = process.env;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return {
    endpoint,
    ...(!AWS_PROFILE && { region: AWS_REGION || AWS_DEFAULT_REGION || 'us-east-1' }),
    ...(!(AWS_ACCESS_KEY_ID || AWS_PROFILE) && { credentials }),
  };
}

/** What became of a read of the table that failed. */
export function tableFailure(command: string, table: string, cause: Error): CommandError {
  return new CommandError(
    `stream-cache ${command}: cannot read the table ${table}: ${cause.name}: ${cause.message}`,
    { cause, exitCode: 1 },
  );
}
