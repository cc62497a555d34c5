import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { AttributeType, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { GatewayVpcEndpointAwsService, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { StreamCache } from 'dynamodb-stream-cache/cdk';

/** A table of orders, a function that serves them through the cache, and the cache that the table's stream keeps true. */
export class ShopStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);

    // No way out is needed: DynamoDB has a gateway endpoint, and the cache is inside.
    const vpc = new Vpc(this, 'Vpc', {
      natGateways: 0,
      maxAzs: 2,
      gatewayEndpoints: { dynamodb: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
    });

    const table = new TableV2(this, 'Orders', {
      partitionKey: { name: 'customerId', type: AttributeType.STRING },
      sortKey: { name: 'orderId', type: AttributeType.NUMBER },
      globalSecondaryIndexes: [
        { indexName: 'byStatus', partitionKey: { name: 'status', type: AttributeType.STRING } },
      ],
      timeToLiveAttribute: 'expiresAt',
      dynamoStream: StreamViewType.NEW_AND_OLD_IMAGES,
      removalPolicy: RemovalPolicy.RETAIN,
    });

    const orders = new NodejsFunction(this, 'OrdersFunction', {
      entry: 'orders.ts',
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      bundling: {
        format: OutputFormat.ESM,
        banner: REQUIRE,
        bundleAwsSDK: true,
        minify: true,
        keepNames: true,
      },
      environment: { TABLE_NAME: table.tableName },
      vpc,
    });
    table.grantReadWriteData(orders);

    const alarms = new Topic(this, 'Alarms');
    const cache = new StreamCache(this, 'Cache', {
      table,
      vpc,
      metrics: true,
      monitoring: { alarmActions: [new SnsAction(alarms)] },
    });
    cache.connectReader(orders);
  }
}

/** ioredis is CommonJS, and an ES module has to be given the means to require. */
const REQUIRE =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
