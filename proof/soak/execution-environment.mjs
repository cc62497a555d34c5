// One execution environment of the function: the built bundle, in a process of its own that can be frozen.
// Its parent sends { id, event, remainingMs } and gets { id, response or error, records }.
import { subscribe } from 'node:diagnostics_channel';
import { pathToFileURL } from 'node:url';

process.on('disconnect', () => process.exit());
process.on('unhandledRejection', (reason) => process.send({ unhandled: String(reason) }));

let records = [];
subscribe('dynamodb-stream-cache:report', (report) => {
  if (report.type !== 'record') return;
  records.push([report.key ?? '', report.outcome, report.sequenceNumber]);
});

const loaded = import(pathToFileURL(process.argv[2]).href);

process.on('message', async ({ id, event, remainingMs, memory }) => {
  if (memory) {
    globalThis.gc();
    process.send({ id, memory: process.memoryUsage().heapUsed });
    return;
  }
  const deadline = Date.now() + remainingMs;
  const context = { getRemainingTimeInMillis: () => deadline - Date.now() };
  const answer = { id };
  try {
    answer.response = await (await loaded).handler(event, context);
  } catch (error) {
    answer.error = String(error);
  }
  answer.records = records;
  records = [];
  process.send(answer);
});
