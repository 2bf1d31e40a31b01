import { addLabel, ensureLabel, removeLabel } from '@slipway/core/github/labels';
import { describeLabel, type LabelGroup, planLabel } from '@slipway/core/pull-request/labels';
import type { Context } from './context.ts';

/** Leaves a pull request with exactly one label of a group; labels are a view of what holds, and never authority. */
export async function setLabel(
  { github, repository, doings }: Context,
  { number, labels }: { readonly number: number; readonly labels: readonly string[] },
  group: LabelGroup,
  word: string,
): Promise<void> {
  const { add, remove } = planLabel(labels, group, word);
  for (const name of add) {
    await doings.do(`set the label ${name}`, async () => {
      await ensureLabel(github, repository, describeLabel(group, word));
      await addLabel(github, repository, number, name);
    });
  }
  for (const name of remove) {
    await doings.do(`take the label ${name} off`, () => removeLabel(github, repository, number, name));
  }
}
