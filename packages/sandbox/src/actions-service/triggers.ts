import {
  asList,
  asMapping,
  asOptionalText,
  asText,
  asTextList,
  parseYaml,
  refuseOtherKeys,
} from '../runner/yaml-value.ts';
import { patternExpression } from './filter-pattern.ts';

/** What lets names through: the patterns of `branches`, say, or of `branches-ignore`. */
export interface NameFilter {
  readonly patterns: readonly string[];
  /** The patterns say what is kept out. */
  readonly ignores: boolean;
}

/** When one event starts a workflow; what is undefined was not said. */
export interface Trigger {
  readonly types: readonly string[] | undefined;
  readonly branches: NameFilter | undefined;
  readonly tags: NameFilter | undefined;
  readonly paths: NameFilter | undefined;
  readonly crons: readonly string[];
}

export interface WorkflowHead {
  /** What the workflow is called; its path where it has no name. */
  readonly name: string;
  /** By the names of events. */
  readonly triggers: ReadonlyMap<string, Trigger>;
}

const NOTHING: Trigger = { types: undefined, branches: undefined, tags: undefined, paths: undefined, crons: [] };

const FILTERS: Readonly<Record<string, readonly string[]>> = {
  push: ['branches', 'branches-ignore', 'tags', 'tags-ignore', 'paths', 'paths-ignore'],
  pull_request: ['types', 'branches', 'branches-ignore', 'paths', 'paths-ignore'],
  pull_request_target: ['types', 'branches', 'branches-ignore', 'paths', 'paths-ignore'],
  pull_request_review: ['types'],
  issue_comment: ['types'],
  repository_dispatch: ['types'],
};

/** Of every other event only the types are read: nothing here makes it happen. */
const OTHERS = ['types', 'branches', 'branches-ignore', 'workflows', 'inputs', 'secrets', 'outputs'];

/**
 * Reads the head of a workflow file: what it is called, and which events start it. Throws an error with file and key
 * for what GitHub would refuse.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#on
 */
export function readHead(text: string, path: string): WorkflowHead {
  const file = asMapping(parseYaml(text, path), path);
  return { name: asOptionalText(file['name'], `${path}: name`) ?? path, triggers: readTriggers(file['on'], path) };
}

function readTriggers(on: unknown, path: string): Map<string, Trigger> {
  const place = `${path}: on`;
  if (on === undefined || on === null) throw new Error(`${place} is missing: no event starts this workflow`);
  if (typeof on === 'string' || Array.isArray(on)) {
    return new Map([on].flat().map((name) => [asText(name, place), NOTHING]));
  }
  return new Map(
    Object.entries(asMapping(on, place)).map(([name, value]) => [
      name,
      name === 'schedule' ? readSchedule(value, `${place}.schedule`) : readTrigger(name, value, `${place}.${name}`),
    ]),
  );
}

function readSchedule(value: unknown, place: string): Trigger {
  const crons = asList(value, place).map((entry, index) => {
    const where = `${place}[${index}]`;
    const schedule = asMapping(entry, where);
    refuseOtherKeys(schedule, ['cron', 'timezone'], where);
    const cron = asText(schedule['cron'], `${where}.cron`);
    if (cron.trim().split(/\s+/).length !== 5) throw new Error(`${where}.cron '${cron}' has not five fields`);
    return cron;
  });
  return { ...NOTHING, crons };
}

function readTrigger(name: string, value: unknown, place: string): Trigger {
  const trigger = asMapping(value, place);
  refuseOtherKeys(trigger, FILTERS[name] ?? OTHERS, place);
  const list = (key: string): readonly string[] | undefined => {
    const given = trigger[key];
    if (given === undefined || given === null) return undefined;
    return asTextList([given].flat(), `${place}.${key}`);
  };
  const filter = (key: string): NameFilter | undefined => {
    const wanted = list(key);
    const unwanted = list(`${key}-ignore`);
    if (wanted !== undefined && unwanted !== undefined) {
      throw new Error(`${place} has both ${key} and ${key}-ignore; put the exceptions into ${key} with a '!'`);
    }
    const patterns = wanted ?? unwanted;
    if (patterns === undefined) return undefined;
    for (const pattern of patterns) checkPattern(pattern, `${place}.${key}`);
    return { patterns, ignores: wanted === undefined };
  };
  return {
    ...NOTHING,
    types: list('types'),
    branches: filter('branches'),
    tags: filter('tags'),
    paths: filter('paths'),
  };
}

function checkPattern(pattern: string, place: string): void {
  try {
    patternExpression(pattern.replace(/^!/, ''));
  } catch {
    throw new Error(`${place}: '${pattern}' is no pattern`);
  }
}
