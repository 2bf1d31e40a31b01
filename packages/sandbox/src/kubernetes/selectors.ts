import type { KubernetesObject } from './objects.ts';

/** A selector that the API would refuse, too. */
export class SelectorError extends Error {}

type Test = (object: KubernetesObject) => boolean;

/**
 * Reads a label selector: `a=b`, `a==b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, joined by commas.
 *
 * @see https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors
 */
export function readLabelSelector(text: string): Test {
  const tests = text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(readRequirement);
  return (object) => tests.every((test) => test(object));
}

function readRequirement(text: string): Test {
  const set = /^(\S+)\s+(in|notin)\s+\(([^)]*)\)$/.exec(text);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (object) => values.includes(label(object, key) ?? '') === (operator === 'in');
  }
  const equality = /^([^\s=!]+)\s*(==?|!=)\s*(\S*)$/.exec(text);
  if (equality !== null) {
    const [, key = '', operator, value] = equality;
    return (object) => (label(object, key) === value) === (operator !== '!=');
  }
  const presence = /^(!?)([^\s=!()]+)$/.exec(text);
  if (presence === null) throw new SelectorError(`unable to parse requirement: ${text}`);
  const [, absent, key = ''] = presence;
  return (object) => (label(object, key) === undefined) === (absent === '!');
}

function label(object: KubernetesObject, key: string): string | undefined {
  return object.metadata.labels?.[key];
}

/** Reads a field selector: paths of strings such as `metadata.name=x,involvedObject.uid=y`. */
export function readFieldSelector(text: string): Test {
  const tests = text
    .split(',')
    .filter((part) => part !== '')
    .map((part): Test => {
      const [, path = '', operator, value] = /^([\w.]+)(==?|!=)(.*)$/.exec(part) ?? [];
      if (operator === undefined) throw new SelectorError(`invalid field selector: ${part}`);
      return (object) => (String(valueAt(object, path) ?? '') === value) === (operator !== '!=');
    });
  return (object) => tests.every((test) => test(object));
}

function valueAt(object: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) => (typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined),
      object,
    );
}
