/**
 * Releases an assembled tree: `npm run release -- 1.2.3 --tree DIR`. Prints what would be pushed; `--push` pushes it, all
 * of it or nothing. RELEASING.md says when this is run, and by whom.
 *
 *     npm run release -- 1.2.3 --tree DIR [--push]                        tag v1.2.3, tag v1, branch release/v1
 *     npm run release -- --roll-back 1.2.2 [--push]                       tag v1 back to a release that was made
 *     npm run release -- --preview 12 --tree DIR --source ID [--push]     branch preview/pr-12
 *     npm run release -- --drop-preview 12 [--push]
 *
 * `--remote` names the repository (default origin), `--source` the commit that was assembled (default HEAD). A token in
 * RELEASE_TOKEN is used for a remote whose address begins with https://.
 */
import { resolve } from 'node:path';
import { env } from 'node:process';
import { parseArgs } from 'node:util';
import { gitText } from '@slipway/sandbox/github/git/git-command';
import { type PushPlan, planPreview, planRelease, planRollBack } from './release/publish.ts';
import { readDirectory } from './release/read-directory.ts';
import { Remote } from './release/remote.ts';
import { parseVersion } from './release/version.ts';
import { runScript, userDirectory } from './run-script.ts';

const USAGE = 'Say what to release: npm run release -- 1.2.3 --tree DIR (RELEASING.md).';

await runScript(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      tree: { type: 'string' },
      source: { type: 'string', default: 'HEAD' },
      remote: { type: 'string', default: 'origin' },
      'roll-back': { type: 'string' },
      preview: { type: 'string' },
      'drop-preview': { type: 'string' },
      push: { type: 'boolean', default: false },
    },
  });
  const git = await gitText(resolve(userDirectory(), '.git'), ['rev-parse', '--absolute-git-dir']);
  const url = await gitText(git, ['ls-remote', '--get-url', values.remote]);
  const remote = new Remote(git, url, env['RELEASE_TOKEN'] || undefined);
  const assembled = async () => {
    if (values.tree === undefined) throw new Error('Which tree? Add --tree DIR (npm run assemble -- --out DIR).');
    const source = await gitText(git, ['rev-parse', '--verify', `${values.source}^{commit}`]);
    return { source, files: await readDirectory(resolve(userDirectory(), values.tree)) };
  };
  const [version, ...rest] = positionals;
  const asked = [version, values['roll-back'], values.preview, values['drop-preview']].filter((each) => each);
  if (asked.length !== 1 || rest.length > 0) throw new Error(USAGE);

  const options = { git, remote };
  let plan: PushPlan;
  if (version !== undefined) {
    plan = await planRelease({ ...options, version: parseVersion(version), ...(await assembled()) });
  } else if (values['roll-back'] !== undefined) {
    plan = await planRollBack(options, parseVersion(values['roll-back']));
  } else {
    const pullRequest = readNumber(values.preview ?? values['drop-preview'] ?? '');
    const given = values.preview === undefined ? undefined : await assembled();
    plan = await planPreview({ ...options, pullRequest, assembled: given });
  }

  console.log(JSON.stringify(plan, undefined, 2));
  if (plan.updates.length === 0) console.log('Nothing to push.');
  else if (!values.push) console.log('Nothing was pushed. Add --push to do it.');
  else {
    await remote.push(plan.updates);
    console.log(`Pushed: ${plan.updates.map(({ ref }) => ref).join(', ')}`);
  }
});

function readNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`'${text}' is no number of a pull request.`);
  return Number(text);
}
