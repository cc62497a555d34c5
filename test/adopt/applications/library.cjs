const { DynamoDB } = require('@aws-sdk/client-dynamodb');
const { DynamoDBDocument } = require('@aws-sdk/lib-dynamodb');

exports.documentsOf = (config) => DynamoDBDocument.from(new DynamoDB(config));
