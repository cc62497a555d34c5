// Writes the reference of what the package exports, a page for each path that it is imported by, to `site/api/`. A link in a
// docstring that leads nowhere fails it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Application, Converter } from 'typedoc';

const ROOT = join(import.meta.dirname, '..');
const { name, exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));

/** The path that each source file is imported by. What is only loaded exports nothing to call. */
const imported = new Map(
  Object.entries(exports).flatMap(([path, conditions]) => {
    const { types } = conditions['module-sync'] ?? conditions;
    if (types === undefined || ['./lambda', './auto'].includes(path)) return [];
    return [[join(ROOT, types.replace(/^\.\/dist\/(.*)\.d\.ts$/, '$1.ts')), join(name, path)]];
  }),
);

const app = await Application.bootstrapWithPlugins({
  plugin: ['typedoc-plugin-markdown'],
  entryPoints: [...imported.keys()],
  tsconfig: join(ROOT, 'tsconfig.json'),
  skipErrorChecking: true, // `npm run types` does, with the version of TypeScript that is used here
  out: join(import.meta.dirname, 'api'),
  readme: 'none',
  disableSources: true,
  excludeExternals: true,
  excludeInternal: true,
  validation: { invalidLink: true, notExported: false },
  treatValidationWarningsAsErrors: true,
  logLevel: 'Warn',
  router: 'module',
  entryFileName: 'index',
  flattenOutputFiles: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  pageTitleTemplates: { index: 'API', module: ({ name }) => name },
  groupOrder: ['Functions', 'Classes', '*'],
  useCodeBlocks: true,
  parametersFormat: 'table',
  propertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  tableColumnSettings: { hideInherited: true, hideModifiers: true, hideOverrides: true, hideSources: true },
  sanitizeComments: true,
  useCustomAnchors: true,
  customAnchorsFormat: 'curlyBrace',
});

app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  for (const module of project.children ?? []) {
    module.name = imported.get(project.getSymbolIdFromReflection(module)?.fileName) ?? module.name;
  }
});

const project = await app.convert();
if (project === undefined) process.exit(1);
app.validate(project);
if (app.logger.hasErrors() || app.logger.validationWarningCount > 0) process.exit(1);
await app.generateOutputs(project);
