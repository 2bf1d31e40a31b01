import validate from '../../../generated/plugin.cjs';
import { findViolations, type SchemaViolation } from '../../util/json-schema.ts';
import type { YamlDocument } from '../../util/yaml-document.ts';
import { type FileRule, positionIn } from '../rule.ts';
import type { JudgedFile } from '../subject.ts';
import { explainViolation } from '../violation.ts';

export const schema: FileRule = {
  id: 'schema',
  level: 'error',
  description: 'A plugin’s file has the keys that the plugin centre needs, with values of the right type.',
  judges: 'file',
  *judge(file) {
    const { document } = file;
    if (!file.touched || document === undefined) return;
    for (const violation of findViolations(validate, document.value)) {
      if (isAnotherRules(violation)) continue;
      const value = valueAt(document.value, violation.instancePath);
      const spelling = spellingAt(file, document, violation.instancePath);
      const seen = { value, ...(spelling !== undefined && { spelling }) };
      const { pointer, part, message, fix } = explainViolation(violation, seen, file.plugin ?? '<plugin>');
      yield { file: file.path, position: positionIn(file, pointer, part), message, fix };
    }
  },
};

/** The published schema says these as well, for editors; here they belong to `unknown-key` and `version-format`. */
function isAnotherRules({ keyword, instancePath }: SchemaViolation): boolean {
  return keyword === 'additionalProperties' || (keyword === 'pattern' && instancePath === '/spec/version');
}

function valueAt(value: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value);
}

/** Returns how the file spells a plain scalar: `0.10` is worth quoting as it stands, not as the number it became. */
function spellingAt({ source }: JudgedFile, document: YamlDocument, pointer: string): string | undefined {
  const { line, column } = document.positionOf(pointer);
  const text =
    source.bytes
      ?.toString('utf8')
      .replace(/^\uFEFF/, '')
      .split('\n', line)[line - 1] ?? '';
  return /^[^\s,#'"[\]{}&*!|>%@`]+/.exec(text.slice(column - 1))?.[0];
}
