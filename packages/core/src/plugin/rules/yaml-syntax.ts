import { shorten } from '../quote.ts';
import type { FileRule } from '../rule.ts';

/** What to do about a fault, by what the parser says; the first that matches. */
const CURES: readonly (readonly [RegExp, string])[] = [
  [/empty|nothing but comments/, 'Describe the plugin, or delete the file.'],
  [/more than one document/, 'Remove the line with --- and what follows it: one file describes one plugin.'],
  [/duplicat/i, 'Remove one of the two keys.'],
  [/tab/i, 'Indent with spaces: YAML allows no tabs there.'],
  [/alias/i, 'Write the values out instead of using aliases.'],
  [/depth|nest/i, 'Nest less deeply.'],
];

export const yamlSyntax: FileRule = {
  id: 'yaml-syntax',
  level: 'error',
  description: 'A plugin’s file is exactly one YAML 1.2 document, without duplicate keys and custom tags.',
  judges: 'file',
  *judge(file) {
    const { syntaxError } = file;
    if (!file.touched || syntaxError === undefined) return;
    const { message, position } = syntaxError;
    const cure = CURES.find(([pattern]) => pattern.test(message))?.[1];
    yield {
      file: file.path,
      position,
      message: `This is no YAML: ${shorten(message)}.`,
      fix:
        cure ??
        'Correct the line; often a quote, a bracket or the right indentation is missing on it or just before it.',
    };
  },
};
