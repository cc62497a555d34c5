import type { ITable } from 'aws-cdk-lib/aws-dynamodb';

/** A table with a stream that the handler can use. */
export interface DeclaredStream {
  readonly table: ITable;
  readonly streamArn: string;
  /** The table's entry in `STREAM_CACHE_TABLES`, as JSON; to be asked for at synthesis, when the table is complete. */
  declaration(): string;
}
