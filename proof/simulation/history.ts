import type { AttributeMap } from '../../src/attributes.js';

/** What an item was from one moment to the next. */
export interface State {
  /** Absent when there was no such item. */
  readonly image: AttributeMap | undefined;
  readonly from: number;
  until: number;
}

/**
 * The states of one item, each known by its position. An image tells by its attribute `v` in which it can be: in more
 * than one, where the item became again what it had been; an absent item can be in any state without an image.
 */
export interface History {
  readonly states: readonly State[];
  readonly latest: State;
  /** What the next image is to be told by: new to each who asks, and about the position that its state will have. */
  number(): number;
  add(image: AttributeMap | undefined, now: number): void;
  /** The state at a moment, milliseconds. */
  at(moment: number): State;
  /** The earliest position, not below the floor, of which somebody who sees this can be; `undefined` when there is none. */
  position(seen: AttributeMap | undefined, floor: number): number | undefined;
  /** For how long, at a moment, the item has no longer been what somebody sees; 0 when it still is. */
  staleness(seen: AttributeMap | undefined, moment: number): number;
}

export function newHistory(start: number): History {
  const states: State[] = [];
  let numbered = 0;
  const add = (image: AttributeMap | undefined, now: number) => {
    const latest = states.at(-1);
    if (latest !== undefined) latest.until = now;
    states.push({ image, from: now, until: Number.POSITIVE_INFINITY });
  };
  add(undefined, start);

  const matching = (seen: AttributeMap | undefined, from: number) =>
    seen === undefined
      ? states.findIndex(({ image }, index) => index >= from && image === undefined)
      : states.findIndex(
          ({ image }, index) => index >= from && image !== undefined && versionOf(image) === versionOf(seen),
        );
  return {
    states,
    get latest() {
      return states.at(-1) as State;
    },
    number() {
      numbered = Math.max(numbered + 1, states.length);
      return numbered;
    },
    add,
    at: (moment) => states.findLast(({ from }) => from <= moment) ?? (states[0] as State),
    position(seen, floor) {
      const position = matching(seen, floor);
      return position >= floor && position < states.length ? position : undefined;
    },
    staleness(seen, moment) {
      const isIt = ({ image }: State) =>
        seen === undefined || image === undefined ? seen === image : versionOf(image) === versionOf(seen);
      const last = states.findLast((state) => isIt(state) && state.from <= moment) ?? states.find(isIt);
      return last === undefined ? moment : Math.max(0, moment - last.until);
    },
  };
}

/** What tells the states of an item apart. */
export function versionOf(image: AttributeMap): string {
  return (image.v as { N: string }).N;
}
