import { createHash } from 'node:crypto';
import apply from './apply.lua?raw';
import begin from './begin.lua?raw';
import clock from './clock.lua?raw';
import crossSlotKeys from './cross-slot-keys.lua?raw';
import declaredKeys from './declared-keys.lua?raw';
import each from './each.lua?raw';
import fill from './fill.lua?raw';
import guard from './guard.lua?raw';
import move from './move.lua?raw';
import put from './put.lua?raw';
import release from './release.lua?raw';
import voidItems from './void.lua?raw';

/** A Lua script and the SHA-1 by which a server that has seen it knows it. */
export interface Script {
  readonly text: string;
  readonly sha: string;
  /** The same for items of many slots of one cluster node, where there is such a form. */
  readonly crossSlot?: Script;
}

export type Scripts = Record<'apply' | 'begin' | 'release' | 'fill' | 'void' | 'move' | 'put', Script>;

/** The store's scripts. Tests replace the clock, which is the cache server's own otherwise. */
export function scripts(clockText: string = clock): Scripts {
  const onGuards = (body: string) => bothForms(clockText, guard, each, body);
  return {
    apply: onGuards(apply),
    begin: onGuards(begin),
    release: onGuards(release),
    fill: onGuards(fill),
    void: onGuards(voidItems),
    move: onGuards(move),
    put: bothForms(each, put),
  };
}

/** The two forms differ in where they have their keys from. */
function bothForms(...parts: readonly string[]): Script {
  const on = (keys: string) => script([keys, ...parts].join('\n'));
  return { ...on(declaredKeys), crossSlot: on(crossSlotKeys) };
}

export function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
