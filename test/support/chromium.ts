import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, type BrowserContextOptions, chromium } from 'playwright-core';
import { type Machine, thisMachine } from './machine.js';

const APT_INSTALL = [
  ...['apt-get', 'install', '-qq', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300'],
  'chromium',
];

/** Where Chromium is; installs it where that can be done without asking. */
export async function chromiumPath(machine: Machine = thisMachine): Promise<string> {
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const found = () => names.find((name) => machine.hasProgram(name));
  let because = '';
  if (found() === undefined && machine.isRoot && machine.hasProgram('apt-get')) {
    machine.tell('No Chromium here: installing it with apt-get.');
    await machine.attempt(['apt-get', 'update', '-qq']);
    const failure = await machine.attempt(APT_INSTALL);
    because = ` (apt-get failed with "${failure ?? 'no chromium in PATH afterwards'}")`;
  }
  const name = found();
  if (name !== undefined) return name;
  throw new Error(`The tests need Chromium${because}: install the package of that name.`);
}

/** A browser with nothing of an earlier one. It asks nobody but this machine for anything. */
export async function openBrowser(
  options: BrowserContextOptions,
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    ...options,
    executablePath: await pathOf(await chromiumPath()),
    headless: true,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

async function pathOf(name: string): Promise<string> {
  const { access } = await import('node:fs/promises');
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return name;
}
