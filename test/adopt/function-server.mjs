// In place of Lambda and of the HTTP API in front of it: `node function-server.mjs <bundle>`.
import { createServer } from 'node:http';

const { handler } = await import(process.argv[2]);

createServer((request, response) => {
  handler({ rawPath: request.url, requestContext: { http: { method: request.method } } }).then(
    (body) => response.end(JSON.stringify(body ?? null)),
    (error) => response.writeHead(500).end(JSON.stringify(error.message)),
  );
}).listen(process.env.PORT);
