// Makes infra/template.json: `npm run template`.
import { writeFileSync } from 'node:fs';
import { templateText } from './template-stack.js';

writeFileSync('infra/template.json', templateText());
