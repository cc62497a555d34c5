// A bare Scan as one writes it, in a process of its own as `stream-cache warm` is: <endpoint> <segments>.
import {
  DynamoDBClient,
  ScanCommand,
  type ScanCommandInput,
  type ScanCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { TABLE } from './rig.js';

const [endpoint = '', segments = '1'] = process.argv.slice(2);
const client = new DynamoDBClient({ endpoint });
const TotalSegments = Number(segments);
let count = 0;
await Promise.all(
  Array.from({ length: TotalSegments }, async (_, Segment) => {
    for (let from: Partial<ScanCommandInput> | undefined = {}; from !== undefined; ) {
      const input: ScanCommandInput = {
        TableName: TABLE,
        ConsistentRead: true,
        Segment,
        TotalSegments,
        ...from,
      };
      const { Count = 0, LastEvaluatedKey }: ScanCommandOutput = await client.send(new ScanCommand(input));
      count += Count;
      from = LastEvaluatedKey && { ExclusiveStartKey: LastEvaluatedKey };
    }
  }),
);
console.log(count);
