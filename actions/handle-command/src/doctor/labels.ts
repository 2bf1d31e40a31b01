import { AnswerReader } from '@slipway/core/github/json-shape';
import { splitRepository } from '@slipway/core/github/pull-request';
import { QUEUE_STATES } from '@slipway/core/pull-request/labels';
import { type Diagnosis, fine } from './diagnosis.ts';
import type { Examined } from './examined.ts';

const LABELS = ['kind/release', ...QUEUE_STATES.map((state) => `queue/${state}`)];

/** Looks which of the labels there are; the others are made when they are needed. */
export async function checkLabels({ github, repository, isRelease }: Examined): Promise<Diagnosis[]> {
  if (!isRelease) return [];
  const purpose = { what: `the labels of ${repository}`, permission: 'pull-requests: read' };
  const read = new AnswerReader(purpose.what);
  const answers = await github.list('/repos/{owner}/{repo}/labels', splitRepository(repository), purpose);
  const there = new Set(answers.map((answer) => read.text(read.object(answer, 'label')['name'], 'name')));
  const missing = LABELS.filter((label) => !there.has(label));
  return [fine('labels', missing.length === 0 ? 'all there' : `${missing.join(', ')} will be made when needed`)];
}
