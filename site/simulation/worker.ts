import './surroundings.js';
import { openStage, type Stage, type View } from './stage.js';
import { type Act, type Settings, storyOf } from './stories.js';

/** What the page asks for. Each is answered with what is then to be seen. */
export type Request =
  | { readonly type: 'open'; readonly story: string; readonly seed: number; readonly set: Partial<Settings> }
  | { readonly type: 'play'; readonly to: number }
  | { readonly type: 'act'; readonly act: Act };

export type Answer = View;

/** One after the other. */
let stage: Promise<Stage> | undefined;

addEventListener('message', ({ data }: MessageEvent<Request>) => {
  stage = follow(data);
});

async function follow(request: Request): Promise<Stage> {
  const before = await stage;
  const current = before === undefined || request.type === 'open' ? await open(request) : before;
  if (request.type === 'play') await current.playTo(request.to);
  if (request.type === 'act') current.act(request.act);
  postMessage(current.view());
  return current;
}

async function open(request: Request): Promise<Stage> {
  if (request.type !== 'open') throw new Error('Nothing was opened.');
  const opened = await openStage(storyOf(request.story), request.seed);
  opened.act({ type: 'set', ...request.set });
  return opened;
}
