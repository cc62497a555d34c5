// What the package finds around it in Node and not in a browser's worker, as far as the simulation comes by it.

const { port1, port2 } = new MessageChannel();
/** In their order. */
const waiting = new Set<{ act: () => void }>();
port2.onmessage = () => {
  const [next] = waiting;
  if (next === undefined) return;
  waiting.delete(next);
  next.act();
};

Object.assign(globalThis, {
  process: { env: {} },
  Buffer: { byteLength: (text: string) => new TextEncoder().encode(text).length, isBuffer: () => false },
  /** The event loop comes round with the next message. */
  setImmediate(act: () => void) {
    const immediate = { act };
    waiting.add(immediate);
    port1.postMessage(undefined);
    return immediate;
  },
  clearImmediate: (immediate: { act: () => void }) => waiting.delete(immediate),
});
