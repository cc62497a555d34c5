// A CommonJS server on ElectroDB, as it is written without this package.
const { createServer } = require('node:http');
const { DynamoDB } = require('@aws-sdk/client-dynamodb');
const { Entity } = require('electrodb');

const client = new DynamoDB();
const members = new Entity(
  {
    model: { entity: 'member', service: 'work', version: '1' },
    attributes: { team: { type: 'string' }, email: { type: 'string' }, role: { type: 'string' } },
    indexes: {
      byTeam: { pk: { field: 'pk', composite: ['team'] }, sk: { field: 'sk', composite: ['email'] } },
    },
  },
  { client, table: process.env.TABLE },
);

async function answer(method, [, team, email, role]) {
  if (method === 'PUT') {
    await members.put({ team, email, role }).go();
    return 'stored';
  }
  const found = await (email === undefined
    ? members.query.byTeam({ team })
    : members.get({ team, email })
  ).go();
  return found.data;
}

createServer((request, response) => {
  answer(request.method, request.url.split('/')).then(
    (body) => response.end(JSON.stringify(body ?? null)),
    (error) => response.writeHead(500).end(JSON.stringify(error.message)),
  );
}).listen(process.env.PORT);
