// Several copies of the SDK, and of the package, in one process: prints for each client what became of a read of its own.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import { NewCachingMiddleware } from 'dynamodb-stream-cache';

const [withPlugin, without] = process.argv.slice(2);
const bundled = await import(withPlugin); // exports the SDK, whose clients the plugin attached
const other = await import(without); // exports a copy that nobody attached

const server = createServer((_, response) => response.end('{"Item":{"id":{"S":"1"}}}')).listen(0);
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const config = {
  endpoint: `http://127.0.0.1:${server.address().port}`,
  region: 'eu-west-1',
  credentials,
  maxAttempts: 1,
};

/** Sends nothing by itself: a timer does, whose context is nobody's. */
const { requestHandler: sending } = new DynamoDBClient(config).config;
const queue = [];
const timer = setInterval(() => queue.shift()?.(), 5);
const requestHandler = {
  handle: (...call) =>
    new Promise((resolve, reject) => queue.push(() => sending.handle(...call).then(resolve, reject))),
};

let count = 0;
const newRead = (Command) => {
  count += 1;
  return new Command({ TableName: 'users', Key: { id: { S: String(count) } } });
};
const outcome = (call) =>
  call.then(
    () => 'answered',
    ({ name }) => name,
  );
const read = ({ DynamoDBClient: Client, GetItemCommand: Command }, more = {}) =>
  outcome(new Client({ ...config, ...more }).send(newRead(Command)));

const own = new other.DynamoDBClient(config);
own.middlewareStack.use(NewCachingMiddleware({ cache: 'memory:', namespace: 'own' }));
const byPath = createRequire(import.meta.url)(
  createRequire(import.meta.url).resolve('@aws-sdk/client-dynamodb'),
);
const answers = {
  imported: await read({ DynamoDBClient, GetItemCommand }),
  byPath: await read(byPath),
  bundledWithPlugin: await read(bundled),
  queued: await read({ DynamoDBClient, GetItemCommand }, { requestHandler }),
  withItsOwn: await outcome(own.send(newRead(other.GetItemCommand))),
  notAttached: await read(other),
  notAttachedFromACallback: await new Promise((resolve) => {
    new DynamoDBClient(config).send(newRead(GetItemCommand), () => resolve(read(other)));
  }),
};
process.stdout.write(JSON.stringify(answers));
clearInterval(timer);
server.close();
server.closeAllConnections();
