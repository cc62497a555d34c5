// Preloaded: tells the test of everything that the package reports in the application.
import diagnostics from 'node:diagnostics_channel';

diagnostics.subscribe('dynamodb-stream-cache:report', (report) => process.send(report));
