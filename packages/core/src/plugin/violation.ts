import type { SchemaViolation } from '../util/json-schema.ts';
import { childPointer } from '../util/yaml-document.ts';
import { quote, shorten } from './quote.ts';
import { guessVersion } from './version.ts';

/** A violation of the schema in words. */
export interface Explanation {
  /** Where it stands. */
  readonly pointer: string;
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly fix: string;
}

/** The value that a violation is about, and how the file spells it. */
export interface SeenValue {
  readonly value: unknown;
  /** `007` where the value is 7; absent when it is not a plain scalar. */
  readonly spelling?: string;
}

/** Returns a JSON pointer as people write a path: `spec.modules[0].slots`. */
export function formatPath(pointer: string): string {
  const steps = pointer.split('/').slice(1);
  if (steps.length === 0) return 'the file';
  return steps
    .map((step) =>
      /^[0-9]+$/.test(step) ? `[${step}]` : `.${shorten(step.replaceAll('~1', '/').replaceAll('~0', '~'))}`,
    )
    .join('')
    .replace(/^\./, '');
}

/** Says what is wrong with the value that was seen, and what to write instead. */
export function explainViolation(violation: SchemaViolation, seen: SeenValue, plugin: string): Explanation {
  const { instancePath: pointer, keyword, params } = violation;
  const path = formatPath(pointer);
  const key = pointer.slice(pointer.lastIndexOf('/') + 1);
  const value = quote(seen.value);
  switch (keyword) {
    case 'required': {
      const missing = String(params['missingProperty']);
      const example = EXAMPLES[formatPath(childPointer(pointer, missing)).replaceAll(/\[[0-9]+\]/g, '[]')] ?? '';
      return {
        pointer,
        part: 'key',
        message: `${path} has no '${missing}'.`,
        fix: `Add: ${missing}:${example.replace('<plugin>', plugin)}`,
      };
    }
    case 'type': {
      const expected = [params['type']].flat().map(String);
      const message = `${path} is ${describeKind(seen.value)}, not ${expected.map((type) => KINDS[type] ?? type).join(' or ')}.`;
      // Nothing has no place of its own in the text.
      return { pointer, part: seen.value === null ? 'key' : 'value', message, fix: convertTo(expected, pointer, seen) };
    }
    case 'minimum':
    case 'maximum': {
      const bound = `${keyword === 'minimum' ? 'less' : 'more'} than ${params['limit']}`;
      const fix = key === 'port' ? 'Write a port from 1 to 65535.' : `Write a number that is not ${bound}.`;
      return { pointer, part: 'value', message: `${path} is ${value}, ${bound}.`, fix };
    }
    case 'minLength':
    case 'minProperties':
      return { pointer, part: 'value', message: `${path} is empty.`, fix: `Give ${path} a value.` };
    case 'pattern':
      return { pointer, part: 'value', ...explainPattern(path, key, value) };
    default:
      return { pointer, part: 'value', message: `${path} ${violation.message ?? keyword}.`, fix: `Correct ${path}.` };
  }
}

/** What a missing key could hold, with the space that follows the colon. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'metadata.name': ' <plugin>',
  'metadata.alias': " '<the name people read>'",
  'spec.class': ' <plugin>',
  'spec.version': ' v0.1.0',
  'spec.service.port': ' 8080',
  'spec.service.image': ' <target>/<prefix><plugin>:<version>',
  'spec.modules[].name': ' <plugin>',
  'spec.modules[].slots': ' []',
  'spec.modules': ' []',
};

const KINDS: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
};

function describeKind(value: unknown): string {
  if (typeof value === 'string') return `the string ${quote(value)}`;
  if (typeof value === 'number') return `the number ${value}`;
  return quote(value);
}

function convertTo(expected: readonly string[], pointer: string, { value, spelling }: SeenValue): string {
  const key = pointer.slice(pointer.lastIndexOf('/') + 1);
  const isItem = /^[0-9]+$/.test(key);
  const name = isItem ? '-' : `${key}:`;
  if (value === null && pointer === '') return 'Describe the plugin, or delete the file.';
  if (value === null) return `Give it a value, or remove the ${isItem ? 'item' : 'key'}.`;
  const version = pointer === '/spec/version' ? guessVersion(spelling ?? String(value)) : undefined;
  if (version !== undefined) return `Write: ${name} ${version}`;
  if (expected.includes('string') && (typeof value === 'number' || typeof value === 'boolean')) {
    return `Put it in quotes: ${name} '${spelling ?? value}'`;
  }
  if (expected.includes('integer') && typeof value === 'string' && /^[0-9]{1,15}$/.test(value)) {
    return `Write it without quotes: ${name} ${Number(value)}`;
  }
  if (expected.includes('boolean') && typeof value === 'string') {
    const meant = { true: 'true', yes: 'true', on: 'true', false: 'false', no: 'false', off: 'false' };
    const word = Object.entries(meant).find(([spelt]) => spelt === value.toLowerCase())?.[1];
    if (word !== undefined) return `Write: ${name} ${word}`;
  }
  if (expected.includes('array') && typeof value === 'string') return `Write it as a list: ${name} [${quote(value)}]`;
  return `Write ${expected.map((type) => KINDS[type] ?? type).join(' or ')} here.`;
}

function explainPattern(path: string, key: string, value: string): Pick<Explanation, 'message' | 'fix'> {
  if (key === 'name') {
    return {
      message: `${path} is ${value}, which no environment variable can be called.`,
      fix: 'Use letters, digits, _ . and -, with no digit at the beginning, such as SERVER_PORT.',
    };
  }
  return {
    message: `${path} is ${value}, which is no quantity.`,
    fix: "Write a number with an optional unit, such as '0.5', '100m' or '512Mi'.",
  };
}
