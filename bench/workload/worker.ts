import { parentPort } from 'node:worker_threads';
import { runWorkload, type Setup } from './run.js';

/** Runs the simulations that it is sent, one after the other. */
parentPort?.on('message', async (setup: Setup) => parentPort?.postMessage(await runWorkload(setup)));
