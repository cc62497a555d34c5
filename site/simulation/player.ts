import { computed, onMounted, onUnmounted, ref, shallowRef } from 'vue';
import type { View } from './stage.js';
import { type Act, FIRST, type Settings, storyOf } from './stories.js';
import type { Request } from './worker.js';

/** Longer than any frame: time does not jump when the page was out of sight. */
const LONGEST_FRAME_MS = 100;
/** How often the picture changes for who asked for less motion. */
const CALM_MS = 500;
const STEP_MS = 250;

/**
 * Plays stories in a worker, whose clock and timers are the simulation's. The address says which: `#story=replay&seed=1`, and
 * `&lag=` in milliseconds where it is not the story's.
 */
export function usePlayer() {
  const view = shallowRef<View>();
  const story = shallowRef(FIRST);
  const seed = ref(1);
  const speed = ref(1);
  const isPlaying = ref(false);
  const isCalm = ref(false);
  let worker: Worker | undefined;
  /** The lag that was chosen instead of the story's. */
  let lagMs: number | undefined;
  /** The moment of the story that the worker is to play to. */
  let wanted = 0;
  let isBusy = false;
  let frame = 0;
  let drawn = 0;

  function ask(request: Request): void {
    isBusy = true;
    worker?.postMessage(request);
  }

  function play(to: number): void {
    ask({ type: 'play', to });
  }

  function act(act: Act): void {
    ask({ type: 'act', act });
    if (act.type !== 'set' || act.lagMs === undefined) return;
    lagMs = act.lagMs;
    writeAddress();
  }

  function open(id: string, set: Partial<Settings> = {}, autoplay = true): void {
    story.value = storyOf(id);
    seed.value = Number(seed.value) || 1; // of what was typed
    lagMs = set.lagMs;
    wanted = 0;
    ask({ type: 'open', story: story.value.id, seed: seed.value, set });
    isPlaying.value = autoplay;
    writeAddress();
  }

  function onFrame(now: number): void {
    frame = requestAnimationFrame(onFrame);
    const passed = now - drawn;
    if (isBusy || passed < (isCalm.value ? CALM_MS : 0)) return;
    drawn = now;
    if (!isPlaying.value) return;
    const next = wanted + speed.value * Math.min(passed, isCalm.value ? CALM_MS : LONGEST_FRAME_MS);
    // A story ends at the same moment, however fast it is played.
    wanted = view.value?.isOver ? next : Math.min(next, story.value.endsAt);
    play(wanted);
  }

  function show(next: View): void {
    isBusy = false;
    const wasOver = view.value?.isOver ?? true;
    view.value = next;
    if (next.isOver && !wasOver) isPlaying.value = false;
  }

  function readAddress(): void {
    const said = new URLSearchParams(location.hash.slice(1));
    seed.value = Number(said.get('seed') ?? 1) || 1;
    const lag = Number(said.get('lag') ?? Number.NaN);
    const set = lag >= 0 && lag <= 10_000 ? { lagMs: lag } : {};
    open(said.get('story') ?? FIRST.id, set, !isCalm.value);
  }

  function writeAddress(): void {
    const said = new URLSearchParams({ story: story.value.id, seed: String(seed.value) });
    if (lagMs !== undefined) said.set('lag', String(lagMs));
    history.replaceState(history.state, '', `#${said}`);
  }

  onMounted(() => {
    isCalm.value = matchMedia('(prefers-reduced-motion: reduce)').matches;
    worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<View>) => show(data);
    readAddress();
    addEventListener('hashchange', readAddress);
    frame = requestAnimationFrame(onFrame);
  });

  onUnmounted(() => {
    cancelAnimationFrame(frame);
    removeEventListener('hashchange', readAddress);
    worker?.terminate();
  });

  return {
    view,
    story,
    seed,
    speed,
    isPlaying,
    open,
    act,
    step() {
      isPlaying.value = false;
      wanted += STEP_MS;
      play(wanted);
    },
    /** What the end of a story comes to. */
    verdict: computed(() => {
      if (!view.value?.isOver) return '';
      const counts = view.value.lanes.map(({ name, staleReads }) => `${name} ${staleReads}`);
      return `Old values read: ${counts.join(', ')}.`;
    }),
  };
}
