import type { Label } from '../github/labels.ts';

/** What a pull request is about; prow's kinds, and the release. */
export const KINDS = [
  'release',
  'feature',
  'bug',
  'cleanup',
  'documentation',
  'api-change',
  'deprecation',
  'design',
  'failing-test',
  'flake',
  'regression',
  'support',
] as const;

/** The states of the queue, in their order. */
export const QUEUE_STATES = ['need-queue', 'working-image-pushed', 'done-package-uploaded'] as const;

/** Of each group a pull request has one label at a time. */
export type LabelGroup = 'kind' | 'queue';

const LOOKS: Readonly<Record<string, Omit<Label, 'name'>>> = {
  'kind/release': { color: '5319e7', description: 'Releases plugins.' },
  'queue/need-queue': {
    color: 'fbca04',
    description: 'Waits for its images to be pushed. Set by Slipway; never authority.',
  },
  'queue/working-image-pushed': { color: '1d76db', description: 'Is being released. Set by Slipway; never authority.' },
  'queue/done-package-uploaded': {
    color: '0e8a16',
    description: 'Its packages are uploaded. Set by Slipway; never authority.',
  },
};

/** Returns how the repository shall show a label that is missing there. */
export function describeLabel(group: LabelGroup, word: string): Label {
  const name = `${group}/${word}`;
  return { name, ...(LOOKS[name] ?? { color: 'c7def8', description: `Is of the kind ${word}.` }) };
}

/** What has to be done so that of a group exactly one label is left. */
export interface LabelChange {
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** Plans the change; labels of no group of ours are never touched. Names on GitHub know no case. */
export function planLabel(current: readonly string[], group: LabelGroup, word: string): LabelChange {
  const wanted = `${group}/${word}`;
  const isWanted = (name: string): boolean => name.toLowerCase() === wanted;
  return {
    add: current.some(isWanted) ? [] : [wanted],
    remove: current.filter((name) => name.toLowerCase().startsWith(`${group}/`) && !isWanted(name)),
  };
}
