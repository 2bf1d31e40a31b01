import validate from '../../../generated/plugin.cjs';
import { findViolations } from '../../util/json-schema.ts';
import { nearest } from '../../util/nearest.ts';
import { childPointer } from '../../util/yaml-document.ts';
import { KNOWN_KEYS } from '../known-keys.ts';
import { quote } from '../quote.ts';
import { type FileRule, positionIn } from '../rule.ts';
import { formatPath } from '../violation.ts';

export const unknownKey: FileRule = {
  id: 'unknown-key',
  level: 'warning',
  description: 'A plugin’s file has no keys that the plugin centre does not know.',
  judges: 'file',
  *judge(file) {
    const { document } = file;
    if (!file.touched || document === undefined) return;
    for (const { keyword, params, instancePath } of findViolations(validate, document.value)) {
      if (keyword !== 'additionalProperties') continue;
      const key = String(params['additionalProperty']);
      const pointer = childPointer(instancePath, key);
      const path = instancePath === '' ? '' : formatPath(instancePath);
      const known = KNOWN_KEYS.get(path.replaceAll(/\[[0-9]+\]/g, '[]')) ?? [];
      yield {
        file: file.path,
        position: positionIn(file, pointer, 'key'),
        message: `Key ${quote(key)} is not known${path === '' ? '' : ` in ${path}`}.`,
        fix: cureFor(key, known),
      };
    }
  },
};

function cureFor(key: string, known: readonly string[]): string {
  const meant = nearest(key, known);
  if (meant !== undefined) return `Did you mean '${meant}'?`;
  const [elsewhere, ...more] = [...KNOWN_KEYS].filter(([, keys]) => keys.includes(key));
  if (elsewhere !== undefined && more.length === 0) {
    return `Move it to ${elsewhere[0] === '' ? 'the top level' : elsewhere[0]}, or remove it.`;
  }
  return `Remove it; known here: ${known.join(', ')}.`;
}
