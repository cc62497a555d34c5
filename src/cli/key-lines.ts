import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { AttributeMap } from '../attributes.js';
import { toError } from '../errors.js';
import { isKeyOf, type KeySchema } from '../operate/key-attributes.js';
import type { Lane } from '../operate/lanes.js';
import type { Portion } from '../operate/warm.js';
import { CommandError } from './command-error.js';
import { keyInWords, parseItemKey } from './item-key.js';

/** Keys to a portion. */
const AT_ONCE = 1_000;

/**
 * The keys in a file, each on a line, or of standard input where it is `-`. Empty lines do not count; the place is the number of lines
 * that were read.
 *
 * @throws CommandError from its portions, when the file cannot be read or a line is no key of the table
 */
export function keyLines(
  command: string,
  { table, namespace, described }: { table: string; namespace?: string | undefined; described: KeySchema },
  file: string,
): Lane<Portion> {
  const keyOf = (text: string, line: number): AttributeMap => {
    const key = parseItemKey(command, { table, namespace }, text);
    if (isKeyOf(described, key)) return key;
    throw new CommandError(
      `stream-cache ${command}: line ${line} of ${file} is no key of ${table}, which has ${keyInWords(described)}.`,
    );
  };
  return {
    name: `keys of ${file}`,
    async *portions(after = '0') {
      let line = 0;
      let keys: AttributeMap[] = [];
      try {
        const input = file === '-' ? process.stdin : createReadStream(file);
        for await (const text of createInterface({ input })) {
          line += 1;
          if (line <= Number(after) || text.trim() === '') continue;
          keys.push(keyOf(text.trim(), line));
          if (keys.length === AT_ONCE) {
            yield { portion: { keys }, place: String(line) };
            keys = [];
          }
        }
      } catch (thrown) {
        if (thrown instanceof CommandError || !('code' in toError(thrown))) throw thrown;
        throw new CommandError(
          `stream-cache ${command}: cannot read the keys of ${file}: ${toError(thrown).message}`,
          { cause: thrown },
        );
      }
      if (keys.length > 0) yield { portion: { keys }, place: String(line) };
    },
  };
}
