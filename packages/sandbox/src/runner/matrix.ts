import { isDeepStrictEqual } from 'node:util';
import { type Contexts, evaluateValue } from './expressions.ts';
import { at } from './reason.ts';
import { asTyped } from './typed-input.ts';
import { asList, asMapping, refuseOtherKeys } from './yaml-value.ts';

export type MatrixLeg = Readonly<Record<string, unknown>>;

/** How the legs of a job run. */
export interface Strategy {
  /** One leg for each combination; a job without a matrix has a single leg, which is undefined. */
  readonly legs: readonly (MatrixLeg | undefined)[];
  readonly failFast: boolean;
  /** How many legs run at once. */
  readonly maxParallel: number;
}

/** GitHub's limit of jobs that one matrix makes. */
const MAX_LEGS = 256;

/**
 * Evaluates `strategy:` and expands its matrix.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstrategymatrix
 */
export function expandStrategy(template: unknown, contexts: Contexts, place: string): Strategy {
  if (template === undefined) return { legs: [undefined], failFast: true, maxParallel: 1 };
  const strategy = asMapping(
    at(place, () => evaluateValue(template, contexts)),
    place,
  );
  refuseOtherKeys(strategy, ['matrix', 'fail-fast', 'max-parallel'], place);
  const legs = strategy['matrix'] === undefined ? [undefined] : expandMatrix(strategy['matrix'], `${place}.matrix`);
  if (legs.length > MAX_LEGS) throw new Error(`${place}.matrix makes ${legs.length} jobs, more than ${MAX_LEGS}`);
  const limit = strategy['max-parallel'];
  return {
    legs,
    failFast: asTyped(strategy['fail-fast'] ?? true, 'boolean', `${place}.fail-fast`) === true,
    maxParallel: limit === undefined ? legs.length : Number(asTyped(limit, 'number', `${place}.max-parallel`)) || 1,
  };
}

/** Returns what GitHub puts behind the name of a leg: `(a, 1)`. */
export function legSuffix(leg: MatrixLeg | undefined): string {
  const leaves = scalarsOf(leg ?? {});
  return leaves.length === 0 ? '' : ` (${leaves.join(', ')})`;
}

function expandMatrix(value: unknown, place: string): MatrixLeg[] {
  const { include, exclude, ...vectors } = asMapping(value, place);
  let legs: MatrixLeg[] = [{}];
  for (const [name, vector] of Object.entries(vectors)) {
    const values = asList(vector, `${place}.${name}`);
    if (values.length === 0) throw new Error(`${place}: Matrix vector '${name}' does not contain any values`);
    legs = legs.flatMap((leg) => values.map((each) => ({ ...leg, [name]: each })));
  }
  const names = Object.keys(vectors);
  const excluded = readLegs(exclude, `${place}.exclude`);
  const kept = names.length === 0 ? [] : legs.filter((leg) => !excluded.some((pattern) => matches(leg, pattern)));
  const result = addIncluded(kept, readLegs(include, `${place}.include`), names);
  if (result.length === 0) throw new Error(`${place}: Matrix must define at least one vector`);
  return result;
}

/**
 * An included entry is added to every leg of the matrix whose own values it does not overwrite; one that fits nowhere
 * becomes a leg of its own.
 */
function addIncluded(
  legs: readonly MatrixLeg[],
  included: readonly MatrixLeg[],
  names: readonly string[],
): MatrixLeg[] {
  const extended = [...legs];
  const own: MatrixLeg[] = [];
  for (const entry of included) {
    const shared = Object.fromEntries(Object.entries(entry).filter(([name]) => names.includes(name)));
    const fitting = legs.flatMap((leg, index) => (matches(leg, shared) ? [index] : []));
    for (const index of fitting) extended[index] = { ...extended[index], ...entry };
    if (fitting.length === 0) own.push(entry);
  }
  return [...extended, ...own];
}

function readLegs(value: unknown, place: string): MatrixLeg[] {
  return asList(value, place).map((entry, index) => asMapping(entry, `${place}[${index}]`));
}

function matches(leg: MatrixLeg, pattern: MatrixLeg): boolean {
  return Object.entries(pattern).every(([name, value]) => contains(leg[name], value));
}

/** A mapping matches one that says more than itself. */
function contains(value: unknown, pattern: unknown): boolean {
  if (typeof pattern !== 'object' || pattern === null || Array.isArray(pattern))
    return isDeepStrictEqual(value, pattern);
  if (typeof value !== 'object' || value === null) return false;
  return matches({ ...value }, { ...pattern });
}

function scalarsOf(value: unknown): string[] {
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(scalarsOf);
  return value === null || value === undefined || value === '' ? [] : [String(value)];
}
